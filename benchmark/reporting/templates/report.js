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

  for (const what of ["intervals", "std"]) {
    by(`show-${what}`).addEventListener("change", (event) => {
      by("results").classList.toggle(what, event.target.checked);
    });
  }
  // What stands behind the means in the page, ± before intervals, the copied LaTeX has too.
  tables.variant = (name) => {
    const spread = by("show-std").checked ? "-std" : by("show-intervals").checked ? "-interval" : "";
    return name.startsWith("table3-") ? name + spread : name;
  };
  by("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    let shown = 0;
    for (const row of document.querySelectorAll("#results .results tbody tr")) {
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
  // The same difference, seen from the other model.
  const turned = ([difference, low, high, p, better, equal, worse, effect, won]) => {
    const turn = (value) => (value === null ? null : -value);
    return [turn(difference), turn(high), turn(low), p, worse, equal, better, turn(effect),
      won === null ? null : 1 - won];
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
      const [difference, low, high, p, better, equal, worse, effect, won] = b === model
        ? turned(values) : values;
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
    table.caption.firstChild.textContent = `${set.models[model]} on ${set.name}, ${measure.title}: a positive `
      + "difference means that it is better than the other model. * significant at 0.05."
      + (untested ? ` No test of ${untested} of ${rows.length}: too few folds, or no spread.` : "");
    table.tBodies[0].replaceChildren(...rows);
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  };
  tables.made.pairs = (form, copies) => {
    const set = pairSets[Number(by("pair-dataset").value)];
    const measure = pairs.measures[Number(by("pair-measure").value)];
    if (form === "latex") return tables.filled(copies.pairs[set.models.length - 1], by("pairs"), copies);
    const chosen = set.models[Number(by("pair-model").value)];
    const head = ["dataset", "measure", "model_a", "model_b", ...pairs.columns];
    const rows = (set.rows[measure.name] || [])
      .map(([a, b, ...values]) => (set.models[b] === chosen ? [b, a, ...turned(values)] : [a, b, ...values]))
      .filter(([a]) => set.models[a] === chosen)
      .map(([a, b, ...values]) => [...[set.name, null, set.models[a], set.models[b]]
        .map((name) => (name === null ? measure.name : copies.names[name][1])), ...values]);
    return tables.csv([head, ...rows]);
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
    by("pairs").caption.firstChild.textContent = pairs.datasets.length
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

  // True by predicted dominant labels.
  const confusions = data.confusions;
  const confusionOf = () => {
    const set = confusions[Number(by("confusion-dataset").value)];
    return [set, set.models[Number(by("confusion-model").value)]];
  };
  const showConfusion = () => {
    const [set, model] = confusionOf();
    const c = set.labels.length;
    by("confusion-shown").hidden = !model;
    if (!model) {
      by("confusion-note").textContent = `${set.name} has ${c} labels: too many for a table of all pairs.`;
      return;
    }
    const head = make("tr");
    for (const text of ["True \\ predicted", ...set.labels, "All"]) {
      const th = make("th", "", text);
      th.scope = "col";
      head.append(th);
    }
    let [right, all] = [0, 0];
    const rows = set.labels.map((label, i) => {
      const counts = model.counts.slice(i * c, i * c + c);
      const total = counts.reduce((a, b) => a + b, 0);
      const row = make("tr");
      const name = make("th", "", label);
      name.scope = "row";
      row.append(name);
      counts.forEach((count, j) => {
        const depth = total ? Math.round((4 * count) / total) : 0;
        row.append(make("td", `${depth ? `p${depth}` : ""}${i === j ? " right" : ""}`, String(count)));
      });
      row.append(make("td", "", String(total)));
      right += counts[i];
      all += total;
      return row;
    });
    const table = by("confusion");
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...rows);
    const share = all ? `${((100 * right) / all).toFixed(2)} % on the diagonal` : "no predictions";
    table.caption.firstChild.textContent = `${model.name} on ${set.name}: ${all} instances, ${share}. Several `
      + `largest shares, of which the first counts: ${model.ties[0]} true, ${model.ties[1]} predicted.`;
    by("confusion-note").textContent = "Rows are true dominant labels, columns predicted ones, cells "
      + "count instances; the deeper the shade, the larger the share of the row.";
  };
  const chooseConfusions = () => {
    const [set] = confusionOf();
    const kept = by("confusion-model").selectedOptions[0]?.textContent;
    fill(by("confusion-model"), set.models.map((model, i) => [i, model.name]));
    const first = data.instances[Number(by("confusion-dataset").value)]?.first ?? 0;
    const place = set.models.findIndex((model) => model.name === kept);
    by("confusion-model").value = String(place < 0 ? first : place);
    showConfusion();
  };
  tables.made.confusion = (form, copies) => {
    const [set, model] = confusionOf();
    if (form === "latex") return tables.filled(copies.confusions[set.name], by("confusion"), copies);
    const labels = set.labels.map((label) => copies.names[label][1]);
    const rows = labels.map((label, i) => [copies.names[set.name][1], copies.names[model.name][1], label,
      ...model.counts.slice(i * labels.length, (i + 1) * labels.length)]);
    return tables.csv([["dataset", "model", "true", ...labels], ...rows]);
  };
  if (confusions.length) {
    fill(by("confusion-dataset"), confusions.map((set, i) => [i, set.name]));
    by("confusion-dataset").addEventListener("change", chooseConfusions);
    by("confusion-model").addEventListener("change", showConfusion);
    chooseConfusions();
  } else {
    by("confusion-controls").hidden = by("confusion-shown").hidden = true;
  }
})();
