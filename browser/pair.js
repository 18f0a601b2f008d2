// Makes a phone the scanner of this tab: the tab takes the name that the QR code on the page has, and keeps it on all
// pages that it opens. What the phone reads arrives in `live.js`.

const section = document.getElementById("pair");
const button = section?.querySelector("button");
if (button) {
  section.hidden = false;
  button.addEventListener("click", () => {
    sessionStorage.setItem("screen", section.dataset.screen);
    for (const part of section.querySelectorAll("[hidden]")) part.hidden = false;
    button.hidden = true;
  });
}
