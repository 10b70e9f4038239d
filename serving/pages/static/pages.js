// The slider and the field beside it say the same. Without this script the form works by its button.
"use strict";
(() => {
  const form = document.getElementById("contact");
  if (!form) return;
  const slider = document.getElementById("slider");
  const amount = document.getElementById("amount");
  slider.addEventListener("input", () => { amount.value = slider.value; });
  amount.addEventListener("input", () => { slider.value = amount.value; });
  for (const one of form.querySelectorAll("[data-reload]")) {
    one.addEventListener("change", () => form.submit());
  }
  document.body.addEventListener("htmx:afterSwap", () => {
    const results = document.getElementById("results");
    if (results && results.dataset.most) slider.max = results.dataset.most;
  });
})();
