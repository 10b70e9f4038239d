// What a page tells when an answer does not come or a field cannot be meant; the slider and the field beside it, which
// say the same; the menu, which closes. Without this script the forms work by their buttons.
"use strict";
(() => {
  const notice = document.getElementById("notice");
  const tell = (words) => { if (notice.textContent !== words) notice.textContent = words; };
  const before = "The numbers shown are still those of before.";
  const unanswered = (event) => {
    const button = event.target.closest("form")?.querySelector("button")?.textContent;
    tell(`No connection to the server. ${before}${button ? ` “${button}” tries again.` : ""}`);
  };
  document.addEventListener("htmx:sendError", unanswered);
  document.addEventListener("htmx:timeout", unanswered);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { serverResponse, xhr } = event.detail;
    // A proxy in front of a server that is down answers with a page of its own.
    if (serverResponse.includes('id="results"')) return tell("");
    event.detail.shouldSwap = false;
    tell(`The server does not answer as it should (status ${xhr.status}). ${before}`);
  });

  const mark = (field, words) => {
    let said = document.getElementById(`${field.name}-wrong`);
    if (!said) {
      if (!words) return;
      said = Object.assign(document.createElement("small"), { id: `${field.name}-wrong`, className: "wrong" });
      field.closest("label").append(said);
    }
    said.textContent = words;
    if (words) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
  };
  const cross = (form) => {
    for (const pair of form.querySelectorAll(".between")) {
      const [low, high] = pair.querySelectorAll("input");
      high.setCustomValidity(low.valueAsNumber > high.valueAsNumber ? "This lies below “from”." : "");
    }
  };
  for (const form of document.querySelectorAll("form[hx-get]")) {
    form.addEventListener("input", () => {
      cross(form);
      for (const field of form.elements) if (field.willValidate && field.validity.valid) mark(field, "");
    });
    form.addEventListener("htmx:validation:halted", () => {
      for (const field of form.elements) if (!field.validity.valid) mark(field, field.validationMessage);
      tell(`See the field that is marked. ${before}`);
    });
    cross(form);
  }

  const contact = document.getElementById("contact");
  if (contact) {
    const { slider, amount, was } = contact.elements;
    slider.addEventListener("input", () => { amount.value = slider.value; });
    amount.addEventListener("input", () => { slider.value = amount.value; });
    amount.step = amount.dataset.step;
    for (const one of contact.querySelectorAll("[data-reload]")) {
      one.addEventListener("change", () => { was.value = amount.value; contact.submit(); });
    }
    document.addEventListener("htmx:afterSwap", () => {
      const most = document.getElementById("results")?.dataset.most;
      if (most) [slider.max, slider.value] = [most, amount.value];
    });
  }

  const shut = (menu) => { menu.open = false; };
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) shut(menu);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".menu[open]");
    if (menu) { shut(menu); menu.querySelector("summary").focus(); }
  });
})();
