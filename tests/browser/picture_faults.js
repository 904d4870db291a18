// Names the gross faults of a chart that is open by itself: text that is cut by its edge, or on top of other text.
(() => {
  const faults = [];
  const frame = document.documentElement.getBoundingClientRect();
  const leaves = [];
  for (const element of document.querySelectorAll("text, tspan")) {
    if (element.querySelector("tspan") || !element.textContent.trim()) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = element.getBoundingClientRect();
    const text = element.textContent.trim().slice(0, 50);
    leaves.push({ box, text });
    const cut = Math.max(frame.left - box.left, frame.top - box.top, box.right - frame.right, box.bottom - frame.bottom);
    if (cut > 2) faults.push(`"${text}" is cut by ${Math.round(cut)} px`);
  }
  leaves.forEach((one, i) => {
    for (const other of leaves.slice(i + 1)) {
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      const least = Math.min(one.box.height, other.box.height);
      if (wide > 2 && high > 0.4 * least) faults.push(`"${one.text}" and "${other.text}" are on top of each other`);
    }
  });
  // A legend's words are set for the font that they were measured with; in another they can reach the next sign.
  for (const sign of document.querySelectorAll(".role-legend-symbol path")) {
    const box = sign.getBoundingClientRect();
    for (const { box: words, text } of leaves)
      if (Math.min(words.right, box.right) - Math.max(words.left, box.left) > 1 &&
          Math.min(words.bottom, box.bottom) - Math.max(words.top, box.top) > 2)
        faults.push(`"${text}" lies on a sign of a legend`);
  }
  return [...new Set(faults)].slice(0, 12);
})()
