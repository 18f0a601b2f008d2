/** The button of a page to print. With `#print` in its address, the page asks for the printer by itself. */

const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => print());
if (location.hash === "#print") {
  // Going back to the page must not ask again.
  history.replaceState(null, "", location.pathname + location.search);
  document.fonts.ready.then(() => print());
}
