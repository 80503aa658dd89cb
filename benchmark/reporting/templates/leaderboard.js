(() => {
  // Rows whose name has the text, of the chosen group.
  const filter = document.getElementById("filter");
  const group = document.getElementById("group");
  const rows = [...document.querySelectorAll(".results tbody tr")];
  for (const name of new Set(rows.map((row) => row.dataset.group))) {
    const option = document.createElement("option");
    option.textContent = name;
    group.append(option);
  }
  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = row.dataset.plain.toLowerCase().includes(wanted);
      row.hidden = !fits || (group.value !== "" && row.dataset.group !== group.value);
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("filter-empty").textContent = shown ? "" : "No row is like that.";
  };
  filter.addEventListener("input", show);
  group.addEventListener("change", show);

  // A link to a method opens it.
  const open = () => {
    const found = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (found && found.tagName === "DETAILS") found.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
})();
