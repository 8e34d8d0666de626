// An agent gives work to a child through MCP: both windows see the card and its line.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { card, launch, person, startSession } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;

before(async () => {
  grove = await startGrove();
  await grove.addRepo(makeRepo(grove.home, "lists").directory);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

/** Whether something is drawn in the middle between two cards, where only an edge can be. */
function isJoined(page, parent, child) {
  return page.evaluate(
    ([from, to]) => {
      const surface = document.querySelector(".board-surface");
      const area = surface.getBoundingClientRect();
      const [a, b] = [from, to].map((id) => document.querySelector(`[data-id="${id}"]`)?.getBoundingClientRect());
      if (!a || !b) return false;
      const ratio = surface.width / area.width;
      const left = Math.min(a.left + a.width / 2, b.left + b.width / 2) - area.left;
      const right = Math.max(a.left + a.width / 2, b.left + b.width / 2) - area.left;
      const isStacked = b.top > a.bottom || a.top > b.bottom;
      const y = isStacked ? (Math.min(a.bottom, b.bottom) + Math.max(a.top, b.top)) / 2 - area.top : (a.top + a.bottom) / 2 - area.top;
      const box = [left - 4, y - 4, Math.max(8, right - left + 8), 8].map((value) => Math.round(value * ratio));
      const { data } = surface.getContext("2d").getImageData(...box);
      return data.some((value, index) => index % 4 === 3 && value > 0);
    },
    [parent, child],
  );
}

test("both see the child's card and the edge from its parent", async () => {
  const board = await grove.firstBoard();
  const ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  const bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
  await startSession(ana.page, "Let a child session write the documentation.");
  const sessions = await until("the child", async () => {
    const { items } = await grove.api("GET", `/sessions?board_id=${board.id}`);
    return items.length === 2 ? items : null;
  });
  const child = sessions.find((session) => session.parent_id !== null);
  const parent = sessions.find((session) => session.parent_id === null);
  assert.equal(child.parent_id, parent.id);
  assert.equal(child.relation, "spawn");
  for (const { page } of [ana, bruno]) {
    await card(page, new RegExp(child.title)).waitFor();
    await page.getByRole("button", { name: "Show everything" }).click();
    await until("the edge", () => isJoined(page, parent.id, child.id));
  }
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
});
