// SPDX-License-Identifier: Apache-2.0

#include "CEmbedded.h"

// #embed is C23, and clang has it in every language mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

#define HTML "text/html; charset=utf-8"
#define IMAGE "image/svg+xml"
#define SCRIPT "text/javascript; charset=utf-8"
#define STYLE "text/css; charset=utf-8"

static const unsigned char api_js[] = {
#embed "web/api.js"
};
static const unsigned char app_css[] = {
#embed "web/app.css"
};
static const unsigned char app_js[] = {
#embed "web/app.js"
};
static const unsigned char attention_js[] = {
#embed "web/attention.js"
};
static const unsigned char breakdown_js[] = {
#embed "web/breakdown.js"
};
static const unsigned char budgets_js[] = {
#embed "web/budgets.js"
};
static const unsigned char calendar_js[] = {
#embed "web/calendar.js"
};
static const unsigned char calls_js[] = {
#embed "web/calls.js"
};
static const unsigned char cards_js[] = {
#embed "web/cards.js"
};
static const unsigned char charts_js[] = {
#embed "web/charts.js"
};
static const unsigned char colors_js[] = {
#embed "web/colors.js"
};
static const unsigned char columns_js[] = {
#embed "web/columns.js"
};
static const unsigned char compare_js[] = {
#embed "web/compare.js"
};
static const unsigned char csv_js[] = {
#embed "web/csv.js"
};
static const unsigned char dialogs_js[] = {
#embed "web/dialogs.js"
};
static const unsigned char dom_js[] = {
#embed "web/dom.js"
};
static const unsigned char empty_js[] = {
#embed "web/empty.js"
};
static const unsigned char export_js[] = {
#embed "web/export.js"
};
static const unsigned char filterbar_js[] = {
#embed "web/filterbar.js"
};
static const unsigned char filters_js[] = {
#embed "web/filters.js"
};
static const unsigned char format_js[] = {
#embed "web/format.js"
};
static const unsigned char frame_js[] = {
#embed "web/frame.js"
};
static const unsigned char icon_svg[] = {
#embed "web/icon.svg"
};
static const unsigned char index_html[] = {
#embed "web/index.html"
};
static const unsigned char keyboard_js[] = {
#embed "web/keyboard.js"
};
static const unsigned char limits_js[] = {
#embed "web/limits.js"
};
static const unsigned char live_js[] = {
#embed "web/live.js"
};
static const unsigned char missing_js[] = {
#embed "web/missing.js"
};
static const unsigned char month_js[] = {
#embed "web/month.js"
};
static const unsigned char overview_js[] = {
#embed "web/overview.js"
};
static const unsigned char palette_js[] = {
#embed "web/palette.js"
};
static const unsigned char panel_js[] = {
#embed "web/panel.js"
};
static const unsigned char people_js[] = {
#embed "web/people.js"
};
static const unsigned char pipelines_js[] = {
#embed "web/pipelines.js"
};
static const unsigned char prices_js[] = {
#embed "web/prices.js"
};
static const unsigned char quality_js[] = {
#embed "web/quality.js"
};
static const unsigned char recent_js[] = {
#embed "web/recent.js"
};
static const unsigned char report_js[] = {
#embed "web/report.js"
};
static const unsigned char series_js[] = {
#embed "web/series.js"
};
static const unsigned char session_js[] = {
#embed "web/session.js"
};
static const unsigned char sessions_js[] = {
#embed "web/sessions.js"
};
static const unsigned char table_js[] = {
#embed "web/table.js"
};
static const unsigned char theme_js[] = {
#embed "web/theme.js"
};
static const unsigned char timeline_js[] = {
#embed "web/timeline.js"
};
static const unsigned char tip_js[] = {
#embed "web/tip.js"
};
static const unsigned char whatif_js[] = {
#embed "web/whatif.js"
};

static const hammurabi_web_file files[] = {
    {"api.js", SCRIPT, api_js, sizeof api_js},
    {"app.css", STYLE, app_css, sizeof app_css},
    {"app.js", SCRIPT, app_js, sizeof app_js},
    {"attention.js", SCRIPT, attention_js, sizeof attention_js},
    {"breakdown.js", SCRIPT, breakdown_js, sizeof breakdown_js},
    {"budgets.js", SCRIPT, budgets_js, sizeof budgets_js},
    {"calendar.js", SCRIPT, calendar_js, sizeof calendar_js},
    {"calls.js", SCRIPT, calls_js, sizeof calls_js},
    {"cards.js", SCRIPT, cards_js, sizeof cards_js},
    {"charts.js", SCRIPT, charts_js, sizeof charts_js},
    {"colors.js", SCRIPT, colors_js, sizeof colors_js},
    {"columns.js", SCRIPT, columns_js, sizeof columns_js},
    {"compare.js", SCRIPT, compare_js, sizeof compare_js},
    {"csv.js", SCRIPT, csv_js, sizeof csv_js},
    {"dialogs.js", SCRIPT, dialogs_js, sizeof dialogs_js},
    {"dom.js", SCRIPT, dom_js, sizeof dom_js},
    {"empty.js", SCRIPT, empty_js, sizeof empty_js},
    {"export.js", SCRIPT, export_js, sizeof export_js},
    {"filterbar.js", SCRIPT, filterbar_js, sizeof filterbar_js},
    {"filters.js", SCRIPT, filters_js, sizeof filters_js},
    {"format.js", SCRIPT, format_js, sizeof format_js},
    {"frame.js", SCRIPT, frame_js, sizeof frame_js},
    {"icon.svg", IMAGE, icon_svg, sizeof icon_svg},
    {"index.html", HTML, index_html, sizeof index_html},
    {"keyboard.js", SCRIPT, keyboard_js, sizeof keyboard_js},
    {"limits.js", SCRIPT, limits_js, sizeof limits_js},
    {"live.js", SCRIPT, live_js, sizeof live_js},
    {"missing.js", SCRIPT, missing_js, sizeof missing_js},
    {"month.js", SCRIPT, month_js, sizeof month_js},
    {"overview.js", SCRIPT, overview_js, sizeof overview_js},
    {"palette.js", SCRIPT, palette_js, sizeof palette_js},
    {"panel.js", SCRIPT, panel_js, sizeof panel_js},
    {"people.js", SCRIPT, people_js, sizeof people_js},
    {"pipelines.js", SCRIPT, pipelines_js, sizeof pipelines_js},
    {"prices.js", SCRIPT, prices_js, sizeof prices_js},
    {"quality.js", SCRIPT, quality_js, sizeof quality_js},
    {"recent.js", SCRIPT, recent_js, sizeof recent_js},
    {"report.js", SCRIPT, report_js, sizeof report_js},
    {"series.js", SCRIPT, series_js, sizeof series_js},
    {"session.js", SCRIPT, session_js, sizeof session_js},
    {"sessions.js", SCRIPT, sessions_js, sizeof sessions_js},
    {"table.js", SCRIPT, table_js, sizeof table_js},
    {"theme.js", SCRIPT, theme_js, sizeof theme_js},
    {"timeline.js", SCRIPT, timeline_js, sizeof timeline_js},
    {"tip.js", SCRIPT, tip_js, sizeof tip_js},
    {"whatif.js", SCRIPT, whatif_js, sizeof whatif_js},
};

const hammurabi_web_file *hammurabi_web_files(void) { return files; }
size_t hammurabi_web_file_count(void) { return sizeof files / sizeof files[0]; }
