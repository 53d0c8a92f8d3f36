// Clicks and dragged boxes of a chart, both at once: the chart element tells clicks only while
// nothing can be dragged. Boxes come as their ends alone, not with every point in them.

const LOOK = 50; // ms between looks at whether the chart was drawn anew

const heard = new WeakMap(); // chart → the emitter that is listened to

function listen(chart, send) {
  // A chart that is drawn anew forgets its listeners and gets another emitter.
  if (typeof chart.on !== "function" || heard.get(chart)?.emitter === chart._ev) {
    if (heard.has(chart)) heard.get(chart).send = send;
    return;
  }
  const mine = { emitter: chart._ev, send };
  heard.set(chart, mine);
  chart.dataset.heard = ""; // for who must wait until clicks count
  chart.on("plotly_click", (event) => {
    const point = event.points?.[0];
    if (point) mine.send("chosen", { curve: point.curveNumber, point: point.pointNumber });
  });
  chart.on("plotly_selected", (event) => {
    if (event?.range?.x) mine.send("chosen", { x: event.range.x, y: event.range.y });
  });
}

const mounts = new WeakMap(); // the component's element → what it follows

export default function ({ data, parentElement, setTriggerValue }) {
  let mount = mounts.get(parentElement);
  if (mount === undefined) {
    mount = {};
    mount.timer = setInterval(() => {
      const chart = document.querySelector(`.st-key-${mount.chart} .js-plotly-plot`);
      if (chart !== null) listen(chart, mount.send);
    }, LOOK);
    mounts.set(parentElement, mount);
  }
  Object.assign(mount, { chart: data.chart, send: setTriggerValue });
  return () => {
    clearInterval(mount.timer);
    mounts.delete(parentElement);
  };
}
