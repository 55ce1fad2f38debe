// Draws the charts of the usage report. Without it the page has the same figures as tables.
(() => {
  'use strict';
  const COLOURS = {counted: '#1f5a92', rest: '#a9c8e6', refused: '#e0912f', failed: '#9c2f2f', good: '#3f7f57', late: '#e6c04f', open: '#c9ced6'};
  const SHADES = ['#e3eef8', '#b5d2ec', '#7fb0db', '#468abf', '#1f5a92', '#0f3560'];
  const TEXT = '#26323d';
  const PAPER = 700;
  const number = new Intl.NumberFormat('en');
  const short = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1});
  const told = value => (value == null ? '–' : number.format(value));
  const axis = {type: 'value', minInterval: 1, axisLabel: {formatter: value => short.format(value), color: TEXT, hideOverlap: true}, splitLine: {lineStyle: {color: '#e3e7ec'}}};

  const names = (labels, more) => ({type: 'category', data: labels, axisTick: {show: false}, axisLine: {lineStyle: {color: '#9aa5b1'}}, ...more});
  const bars = (chart, stack) =>
    chart.series.map(each => ({
      name: each.name, type: 'bar', data: each.values, itemStyle: {color: COLOURS[each.colour]}, barMaxWidth: chart.kind === 'columns' ? 46 : 16, barGap: '0%', barCategoryGap: '22%', ...(stack && {stack: 'all'}),
    }));
  const base = {
    animation: false,
    textStyle: {fontFamily: 'system-ui, "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif', color: TEXT},
    tooltip: {trigger: 'axis', axisPointer: {type: 'shadow'}, confine: true, valueFormatter: told},
  };
  const legend = chart => (chart.series.length > 1 ? {top: 0, left: 'center', itemWidth: 14, itemHeight: 10, itemGap: 16, textStyle: {color: TEXT}} : undefined);

  function columns(chart) {
    return {
      height: 300,
      option: {
        ...base, legend: legend(chart), grid: {left: 56, right: 16, top: 36, bottom: 28},
        xAxis: names(chart.labels, {axisLabel: {color: TEXT, hideOverlap: true}}), yAxis: axis, series: bars(chart, true),
      },
    };
  }

  function lying(chart, stack) {
    const row = stack || chart.series.length === 1 ? 17 : 22;
    const step = chart.labels.length > 30 ? 15 : row;
    const height = 62 + Math.max(chart.labels.length, 3) * step;
    const label = {color: TEXT, interval: 0, width: 152, overflow: 'truncate', fontSize: step < 17 ? 10.5 : 11.5};
    return {
      height,
      option: {
        ...base, legend: legend(chart), grid: {left: 162, right: 22, top: 28, bottom: 26},
        xAxis: axis, yAxis: names(chart.labels, {inverse: true, axisLabel: label}), series: bars(chart, stack),
      },
    };
  }

  function pieces(cells) {
    const most = Math.max(...cells.map(cell => cell[2]));
    const bounds = [1, 10, 100, 1000, 10000, 100000].filter(bound => bound <= most);
    return bounds.map((bound, place) => {
      const last = place === bounds.length - 1;
      return {gte: bound, ...(last ? {} : {lt: bounds[place + 1]}), color: SHADES[place + SHADES.length - bounds.length], label: last ? `≥ ${told(bound)}` : `${told(bound)} – ${told(bounds[place + 1] - 1)}`};
    });
  }

  // The tooltip's words are text: names come from departments' catalogs.
  function tip(chart) {
    return point => {
      const box = document.createElement('div');
      box.append(chart.titles[point.dataIndex], document.createElement('br'), told(point.value[2]));
      return box;
    };
  }

  const long = label => [...label].reduce((sum, each) => sum + (each > '\u2e7f' ? 10.5 : 6), 0);

  function matrix(chart, width) {
    const days = chart.down === '';
    const step = Math.max(13, Math.min(days ? 15 : 22, 840 / chart.rows.length));
    const longest = Math.min(124, Math.max(...chart.labels.map(long)));
    const grid = days ? {left: 70, right: 10, top: 34, bottom: 26} : {left: 150, right: 10, top: 34, bottom: longest + 40};
    const label = {color: TEXT, fontSize: 10.5};
    const most = (width - grid.left - grid.right) / chart.labels.length;
    const across = days || most >= 90 ? {interval: 'auto', hideOverlap: true} : {interval: 0, rotate: 90, width: 124, overflow: 'truncate', ...(most < 20 && {fontSize: 9.5})};
    if (!days && most >= 90) grid.bottom = 44;
    const map = days ? {type: 'continuous', min: 0, max: Math.max(1, ...chart.cells.map(cell => cell[2])), inRange: {color: SHADES}, formatter: value => told(Math.round(value)), calculable: false, text: [told(Math.max(...chart.cells.map(cell => cell[2]))), '0']}
      : {type: 'piecewise', pieces: pieces(chart.cells)};
    return {
      height: grid.top + grid.bottom + chart.rows.length * step,
      option: {
        ...base, tooltip: {confine: true, formatter: tip(chart)}, grid,
        visualMap: {...map, orient: 'horizontal', top: 0, right: 10, itemWidth: 14, itemHeight: days ? 120 : 10, textStyle: {color: TEXT}},
        xAxis: names(chart.labels, {axisLabel: {...label, ...across}, name: chart.across, nameLocation: 'middle', nameGap: grid.bottom - 20, splitArea: {show: true, areaStyle: {color: ['#fbfcfd', '#f5f7f9']}}}),
        yAxis: names(chart.rows, {inverse: true, axisLabel: {...label, interval: 0, width: 138, overflow: 'truncate'}, name: chart.down, nameLocation: 'start', nameGap: 8}),
        series: [{type: 'heatmap', data: chart.cells, itemStyle: {borderColor: '#fff', borderWidth: 1}}],
      },
    };
  }

  const KINDS = {columns, ranked: chart => lying(chart, false), stacked: chart => lying(chart, true), matrix};
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const drawn = [];
  for (const figure of document.querySelectorAll('figure[data-chart]')) {
    const chart = charts[figure.dataset.chart];
    figure.hidden = false;
    const place = figure.querySelector('.drawing');
    const {height, option} = KINDS[chart.kind](chart, place.clientWidth);
    place.style.height = `${height}px`;
    const made = echarts.init(place, null, {renderer: 'svg'});
    made.setOption(option);
    drawn.push([made, figure]);
  }
  const inPair = figure => figure.parentElement.classList.contains('pair');
  const fit = width => drawn.forEach(([made, figure]) => made.resize({width: width === 'auto' ? 'auto' : inPair(figure) ? width / 2 - 8 : width}));
  let waiting;
  addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(() => fit('auto'), 100); });
  addEventListener('beforeprint', () => fit(PAPER));
  addEventListener('afterprint', () => fit('auto'));
  document.documentElement.dataset.charts = String(drawn.length);
})();
