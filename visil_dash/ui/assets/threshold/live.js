// The numbers below the slider while it is dragged. Streamlit sends a value when it is let go; what
// each place of the slider admits came with the page, so the numbers need no answer from there.

const LOOK = 40; // ms between looks at the slider: dragging it fires no event of the page

const mounts = new WeakMap(); // the component's element → what it follows

function follow(mount) {
  const slider = document.querySelector(`.st-key-${mount.slider} input[type="range"]`);
  const numbers = document.querySelectorAll(`.st-key-${mount.facts} dd`);
  if (slider === null || numbers.length !== mount.columns.length) return;
  if (slider.value === mount.shown) return;
  const first = mount.shown === undefined;
  mount.shown = slider.value;
  if (first) return; // the page shows it already
  const place = Math.round((Number(slider.value) - mount.low) / mount.step);
  mount.columns.forEach(({ counts, total }, i) => {
    const count = counts[Math.min(Math.max(place, 0), counts.length - 1)];
    const text = `${count.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`;
    numbers[i].textContent = text;
  });
}

export default function ({ data, parentElement }) {
  let mount = mounts.get(parentElement);
  if (mount === undefined) {
    mount = {};
    mount.timer = setInterval(() => follow(mount), LOOK);
    mounts.set(parentElement, mount);
  }
  Object.assign(mount, data, { shown: undefined });
  return () => {
    clearInterval(mount.timer);
    mounts.delete(parentElement);
  };
}
