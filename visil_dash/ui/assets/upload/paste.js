// A picture or file on the clipboard, pasted anywhere on the page, goes to the upload box as if it
// were dropped there. Text is left to the field that it is pasted into.

const mounts = new WeakMap(); // the component's element → what it follows

export default function ({ data, parentElement }) {
  let mount = mounts.get(parentElement);
  if (mount === undefined) {
    mount = {};
    mount.take = (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      const input = document.querySelector(`.st-key-${mount.box} input[type=file]`);
      if (!files.length || !input) return;
      event.preventDefault();
      const given = new DataTransfer();
      for (const file of files) {
        const ending = file.type.split("/")[1] ?? "";
        const unnamed = file.name === `image.${ending}`; // what browsers call a copied picture
        given.items.add(unnamed ? new File([file], `pasted.${ending}`, { type: file.type }) : file);
      }
      input.files = given.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    document.addEventListener("paste", mount.take);
    mounts.set(parentElement, mount);
  }
  Object.assign(mount, data);
  return () => {
    document.removeEventListener("paste", mount.take);
    mounts.delete(parentElement);
  };
}
