"use strict";
// Text from the run reaches the page through textContent alone, so that no name can be markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const fill = (select, entries) => {
    select.replaceChildren(...entries.map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      return option;
    }));
  };

  // Tables: a heading sorts its column within each group, missing values always last; trivial
  // predictors stay as they are.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent.trim().toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const order = (table, column, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    for (const body of table.querySelectorAll("tbody:not(.fixed)")) {
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
      });
      body.append(...rows.map(([, row]) => row));
    }
  };
  for (const button of document.querySelectorAll(".sort")) {
    const heading = button.closest("th");
    const table = button.closest("table");
    button.addEventListener("click", () => {
      const other = { ascending: "descending", descending: "ascending" };
      const direction = other[heading.getAttribute("aria-sort")] || button.dataset.first;
      for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", direction);
      order(table, heading.cellIndex, direction);
    });
  }
  by("show-intervals").addEventListener("change", (event) => {
    by("results").classList.toggle("intervals", event.target.checked);
  });
  by("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    let shown = 0;
    for (const row of document.querySelectorAll(".results tbody tr")) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    by("filter-empty").textContent = shown ? "" : `No model's name contains “${wanted}”.`;
  });

  // Pairs of models.
  const pairs = data.pairs;
  const pairSets = pairs.datasets.filter((set) => set.models.length > 1);
  const number = (value, digits, sign) => {
    if (value === null) return "–";
    const text = value.toFixed(digits);
    if (Number(text) === 0) return text.replace("-", "");
    return sign && value > 0 ? `+${text}` : text.replace("-", "−");
  };
  // As p_value in benchmark/wording.py: what is below the level is never rounded up to it.
  const pValue = (p) => {
    if (p < 0.001) return "< 0.001";
    let decimals = p < 0.1 ? 4 : 3;
    while (p < 0.05 && Number(p.toFixed(decimals)) >= 0.05) decimals += 1;
    return p.toFixed(decimals);
  };
  const showPairs = () => {
    const set = pairSets[Number(by("pair-dataset").value)];
    const measure = pairs.measures[Number(by("pair-measure").value)];
    const model = Number(by("pair-model").value);
    const [factor, digits] = measure.percent ? [100, 2] : [1, 4];
    const rows = [];
    let untested = 0;
    for (const [a, b, ...values] of set.rows[measure.name] || []) {
      if (a !== model && b !== model) continue;
      let [difference, low, high, p, better, equal, worse, effect, won] = values;
      if (b === model) {
        const turn = (value) => (value === null ? null : -value);
        [difference, low, high] = [turn(difference), turn(high), turn(low)];
        [better, worse] = [worse, better];
        effect = turn(effect);
        won = won === null ? null : 1 - won;
      }
      const scaled = (value, by) => (value === null ? null : value * by);
      const row = make("tr", p !== null && p < 0.05 ? "significant" : "");
      const name = make("th", "", set.models[a === model ? b : a]);
      name.scope = "row";
      row.append(name);
      const cell = (value, text) => {
        const td = make("td", "", text);
        td.dataset.value = value === null ? "" : value;
        row.append(td);
      };
      cell(difference, number(scaled(difference, factor), digits, true));
      row.append(make("td", "", low === null ? "–"
        : `${number(low * factor, digits, true)} to ${number(high * factor, digits, true)}`));
      untested += p === null;
      cell(p, p === null ? "no test" : pValue(p) + (p < 0.05 ? " *" : ""));
      for (const chance of [better, equal, worse]) cell(chance, number(scaled(chance, 100), 0));
      cell(effect, number(effect, 2, true));
      cell(won, number(scaled(won, 100), 0));
      rows.push(row);
    }
    const table = by("pairs");
    table.caption.textContent = `${set.models[model]} on ${set.name}, ${measure.title}: a positive `
      + "difference means that it is better than the other model. * significant at 0.05."
      + (untested ? ` No test of ${untested} of ${rows.length}: too few folds, or no spread.` : "");
    table.tBodies[0].replaceChildren(...rows);
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  };
  const choosePairSet = () => {
    const set = pairSets[Number(by("pair-dataset").value)];
    const kept = by("pair-model").selectedOptions[0]?.textContent;
    fill(by("pair-model"), set.models.map((name, i) => [i, name]));
    const place = set.models.indexOf(kept);
    by("pair-model").value = String(place < 0 ? set.first : place);
    showPairs();
  };
  if (pairSets.length) {
    fill(by("pair-dataset"), pairSets.map((set, i) => [i, set.name]));
    fill(by("pair-measure"), pairs.measures.map((measure, i) => [i, measure.title]));
    by("pair-measure").value = String(pairs.measures.findIndex((m) => m.name === "kl_divergence"));
    by("pair-dataset").addEventListener("change", choosePairSet);
    by("pair-measure").addEventListener("change", showPairs);
    by("pair-model").addEventListener("change", showPairs);
    choosePairSet();
  } else {
    by("pair-controls").hidden = true;
    by("pairs").caption.textContent = pairs.datasets.length
      ? "There is one model, hence no difference." : "The differences could not be made.";
  }

  // Instances, one by one.
  const PAGE = 24;
  let page = 0;
  let listing = [];
  let open = 0;
  const argmax = (shares) => shares.indexOf(Math.max(...shares));
  const current = () => data.instances[Number(by("instance-dataset").value)];
  const bars = (set, truth, predicted) => {
    const box = make("span", "bars");
    set.labels.forEach((label, j) => {
      const lane = make("span", "lane");
      const bar = (kind, share) => {
        const i = make("i", kind);
        i.style.width = `${share / 10}%`;
        lane.append(i);
      };
      if (predicted) bar("predicted", predicted[j]);
      bar("true", truth[j]);
      const amounts = predicted ? `${Math.round(predicted[j] / 10)} %` : `${Math.round(truth[j] / 10)} %`;
      const name = make("span", "", label);
      name.title = label;
      box.append(name, lane, make("span", "amount", amounts));
    });
    return box;
  };
  const picture = (set, i) => {
    const img = make("img");
    img.src = `data:image/jpeg;base64,${set.pictures[i]}`;
    img.alt = "";
    img.width = img.height = set.side;
    return img;
  };
  const divergence = (value) => (value === null ? "no prediction" : `KL ${value.toFixed(4)}`);
  const card = (set, model, i, place) => {
    const button = make("button");
    button.type = "button";
    const top = make("span", "top");
    if (set.pictures[i]) top.append(picture(set, i));
    const text = make("span");
    const shares = model.shares[i];
    text.append(make("span", "name", set.ids[i]), make("br"), divergence(model.kl[i]), make("br"),
      `true: ${set.labels[argmax(set.truth[i])]}`, make("br"),
      shares ? `predicted: ${set.labels[argmax(shares)]}` : "");
    top.append(text);
    button.append(top, bars(set, set.truth[i], shares));
    button.addEventListener("click", () => show(place));
    const item = make("li");
    item.append(button);
    return item;
  };
  const showPage = () => {
    const set = current();
    const model = set.models[Number(by("instance-model").value)];
    const pages = Math.max(1, Math.ceil(listing.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const start = page * PAGE;
    by("cards").replaceChildren(...listing.slice(start, start + PAGE)
      .map((i, k) => card(set, model, i, start + k)));
    by("page").textContent = listing.length ? `Page ${page + 1} of ${pages}` : "No instance fits.";
    by("earlier").disabled = page === 0;
    by("later").disabled = page === pages - 1;
  };
  const list = () => {
    const set = current();
    const model = set.models[Number(by("instance-model").value)];
    const label = by("instance-label").value;
    const name = by("instance-name").value.trim().toLowerCase();
    const sign = { worst: -1, best: 1 }[by("instance-order").value];
    listing = set.rows.map((_, i) => i)
      .filter((i) => label === "" || argmax(set.truth[i]) === Number(label))
      .filter((i) => set.ids[i].toLowerCase().includes(name));
    if (sign) {
      listing.sort((a, b) => {
        const [x, y] = [model.kl[a], model.kl[b]];
        return x === null || y === null ? (x === null) - (y === null) : sign * (x - y) || a - b;
      });
    }
    page = 0;
    showPage();
  };
  const chooseSet = () => {
    const set = current();
    const kept = by("instance-model").selectedOptions[0]?.textContent;
    fill(by("instance-model"), set.models.map((model, i) => [i, model.name]));
    const place = set.models.findIndex((model) => model.name === kept);
    by("instance-model").value = String(place < 0 ? set.first : place);
    fill(by("instance-label"), [["", "any"], ...set.labels.map((label, j) => [j, label])]);
    const sampled = set.rows.length < set.total
      ? `${set.rows.length} of ${set.total.toLocaleString("en")} instances: the best and worst of every `
        + "model by KL divergence, and others drawn at random. " : "";
    const repeats = set.repeats > 1
      ? "KL is the mean over repeats, the distributions are those of the first. " : "";
    by("instance-note").textContent = `${sampled}${repeats}Wide bars are predicted shares, thin dark `
      + "bars true ones. Choose an instance to see the predictions of all models.";
    list();
  };
  const show = (place) => {
    const set = current();
    open = Math.min(Math.max(place, 0), listing.length - 1);
    const i = listing[open];
    by("instance-title").textContent = set.ids[i];
    const body = by("instance-body");
    const everyone = make("div", "everyone");
    const truth = make("div");
    truth.append(make("h4", "", "True distribution"), bars(set, set.truth[i], null));
    if (set.pictures[i]) {
      const box = make("div");
      box.append(picture(set, i));
      everyone.append(box);
    }
    everyone.append(truth);
    const models = [...set.models]
      .sort((a, b) => (a.kl[i] ?? Infinity) - (b.kl[i] ?? Infinity));
    for (const model of models) {
      const box = make("div");
      box.append(make("h4", "", `${model.name}: ${divergence(model.kl[i])}`));
      if (model.shares[i]) box.append(bars(set, set.truth[i], model.shares[i]));
      everyone.append(box);
    }
    body.replaceChildren(everyone);
    by("previous").disabled = open === 0;
    by("next").disabled = open === listing.length - 1;
    if (!by("instance").open) by("instance").showModal();
  };
  fill(by("instance-dataset"), data.instances.map((set, i) => [i, set.name]));
  by("instance-dataset").addEventListener("change", chooseSet);
  for (const id of ["instance-model", "instance-order", "instance-label"]) {
    by(id).addEventListener("change", list);
  }
  by("instance-name").addEventListener("input", list);
  by("earlier").addEventListener("click", () => { page -= 1; showPage(); });
  by("later").addEventListener("click", () => { page += 1; showPage(); });
  by("previous").addEventListener("click", () => show(open - 1));
  by("next").addEventListener("click", () => show(open + 1));
  by("instance").addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(open - 1);
    if (event.key === "ArrowRight") show(open + 1);
  });
  if (data.instances.length) chooseSet();
  else by("instance-controls").hidden = true;

  // On paper nothing can be opened.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
