// Clicks and dragged boxes of a chart, both at once: the chart element tells clicks only while
// nothing can be dragged. Boxes come as their ends alone, not with every point in them.

const told = new WeakMap(); // chart → what to call; the newest wins, listeners are added once

function listen(chart, send) {
  const known = told.has(chart);
  told.set(chart, send);
  if (known) return;
  chart.on("plotly_click", (event) => {
    const point = event.points?.[0];
    if (point) told.get(chart)("chosen", { curve: point.curveNumber, point: point.pointNumber });
  });
  chart.on("plotly_selected", (event) => {
    if (event?.range?.x) told.get(chart)("chosen", { x: event.range.x, y: event.range.y });
  });
}

export default function ({ data, setTriggerValue }) {
  // The chart is drawn by another element, which may come later and is replaced by a new one.
  const end = performance.now() + 30000;
  let ended = false;
  const look = () => {
    if (ended) return;
    const chart = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (chart !== null && typeof chart.on === "function") listen(chart, setTriggerValue);
    else if (performance.now() < end) requestAnimationFrame(look);
  };
  look();
  return () => { ended = true; };
}
