// Two pictures of one size, one over the other; a divider shows the one on its left, the other right.

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".swipe");
  const stage = root.querySelector(".stage"), divider = root.querySelector(".divider");
  const images = { left: root.querySelector(".under"), right: root.querySelector(".over") };
  for (const side of ["left", "right"]) {
    // Below the page's own address, so that a base path or a proxy's prefix stays.
    const url = new URL(`.${data[side].url}`, location.href).href;
    if (images[side].src !== url) images[side].src = url;
    images[side].alt = data[side].alt;
    root.querySelector(`[data-text=${side}]`).textContent = data[side].label;
  }
  divider.setAttribute("aria-label", `Divider: ${data.left.label} left, ${data.right.label} right`);
  const cut = (percent) => {
    const share = Math.min(Math.max(percent, 0), 100);
    stage.style.setProperty("--cut", `${share}%`);
    divider.value = String(Math.round(share));
    divider.setAttribute("aria-valuetext", `${Math.round(share)} % ${data.left.label}`);
  };
  const shape = () => {
    const { naturalWidth: width, naturalHeight: height } = images.left;
    if (!width) return;
    stage.style.setProperty("--shape", `${width} / ${height}`);
    stage.style.setProperty("--ratio", String(width / height));
  };
  images.left.onload = shape;
  shape();
  divider.oninput = () => cut(Number(divider.value));
  const drag = (event) => {
    const box = stage.getBoundingClientRect();
    cut(((event.clientX - box.left) / box.width) * 100);
  };
  stage.onpointerdown = (event) => {
    stage.setPointerCapture(event.pointerId);
    event.preventDefault();
    divider.focus();
    drag(event);
  };
  stage.onpointermove = (event) => {
    if (stage.hasPointerCapture(event.pointerId)) drag(event);
  };
  cut(Number(divider.value));
}
