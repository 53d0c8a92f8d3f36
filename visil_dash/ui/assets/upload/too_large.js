// Files over the size that the server takes: the upload box refuses them in the browser alone, and
// its message goes with it when other files of the drop have arrived and the next box stands there.
// Their names are sent then, not at once: a run of the script that begins while an upload does can
// lose that upload (Streamlit drops the addresses that it is about to be sent to).

const mounts = new WeakMap(); // the component's element → what it follows

export default function ({ data, parentElement, setTriggerValue }) {
  let mount = mounts.get(parentElement);
  if (mount === undefined) {
    mount = { held: [] };
    mount.look = (event) => {
      if (!event.target.closest?.(`.st-key-${mount.box}`)) return;
      const given = [...((event.dataTransfer ?? event.target).files ?? [])];
      mount.held.push(...given.filter((file) => file.size > mount.limit).map((file) => file.name));
    };
    // Before the box sees them: it empties its input at once.
    for (const kind of ["change", "drop"]) document.addEventListener(kind, mount.look, true);
    mounts.set(parentElement, mount);
  }
  const another = mount.box !== undefined && mount.box !== data.box;
  Object.assign(mount, data);
  if (another && mount.held.length) {
    const names = mount.held.splice(0);
    setTimeout(() => setTriggerValue("refused", names));
  }
  return () => {
    for (const kind of ["change", "drop"]) document.removeEventListener(kind, mount.look, true);
    mounts.delete(parentElement);
  };
}
