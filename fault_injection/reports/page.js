// Shows the filter of the catalogue, adds a button that copies a command, and opens what is
// folded before the page is printed. The page is whole without this.
(() => {
  const filter = document.getElementById("filter");
  if (filter) {
    filter.hidden = false;
    const buttons = [...filter.querySelectorAll("button")];
    filter.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      for (const row of document.querySelectorAll(".catalogue tbody tr")) {
        row.hidden = Boolean(button.dataset.show) && row.dataset.status !== button.dataset.show;
      }
    });
  }
  for (const box of navigator.clipboard ? document.querySelectorAll(".command") : []) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = "copied";
    });
    box.append(button);
  }
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
  });
})();
