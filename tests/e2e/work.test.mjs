// What a board shows of a session at work: streamed text only where it can be read, measured by the
// frames that come, and the agent's own pointer at its card.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { card, launch, person } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let ana;
let gate;
let session;

before(async () => {
  grove = await startGrove();
  const repo = await grove.addRepo(makeRepo(grove.home, "lists").directory);
  const board = await grove.firstBoard();
  gate = join(grove.shared, "gate");
  const prompt = `gated until ${gate}`;
  session = await grove.api("POST", "/sessions", { board_id: board.id, repo_id: repo.id, prompt, pos: [0, 0] });
  browser = await launch();
  ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const ch = () => `session:${session.id}`;
const subs = () => ana.frames.sent.filter((frame) => frame.t === "sub" && frame.ch === ch());
const received = (t) => ana.frames.received.filter((frame) => frame.t === t && frame.ch === ch());
const zoom = (name, times) =>
  Array.from({ length: times }).reduce((before) => before.then(() => ana.page.getByRole("button", { name }).click()), Promise.resolve());

test("the agent at work points at its card, and nobody takes it for a person", async () => {
  const { page } = ana;
  const pointer = page.locator(".peer-cursor.is-agent");
  await pointer.waitFor();
  assert.match(await pointer.textContent(), /gated until/);
  const [at, box] = await Promise.all([pointer.boundingBox(), card(page, /gated until/).boundingBox()]);
  assert.ok(Math.abs(at.x - box.x) < 60 && Math.abs(at.y - box.y) < 60, JSON.stringify({ at, box }));
  assert.equal(await page.getByRole("button", { name: /^Follow/ }).count(), 0);
});

test("a card that is near enough to read gets the text that streams", async () => {
  await until("streamed text", () => received("st").length > 0);
  assert.equal("text" in subs().at(-1), false);
});

test("as a tile it gets events and not one more piece of text", async () => {
  await zoom("Zoom out", 3);
  await until("the topic without text", () => subs().at(-1)?.text === false);
  await until("the answer", () => received("subok").some(({ id }) => id === subs().at(-1).id));
  const [pieces, events] = [received("st").length, received("ev").length];
  writeFileSync(gate, "");
  await card(ana.page, /gated until.*Idle/).waitFor();
  await until("the events of the end", () => received("ev").length > events);
  assert.equal(received("st").length, pieces);
});

test("near again it goes on from where it was, without a new state", async () => {
  const next = join(grove.shared, "next");
  await grove.api("POST", `/sessions/${session.id}/prompt`, { text: `gated until ${next}` });
  await card(ana.page, /gated until.*Running/).waitFor();
  const [pieces, states] = [received("st").length, received("snap").length];
  await zoom("Zoom in", 3);
  await until("text that streams again", () => received("st").length > pieces);
  assert.equal(received("snap").length, states);
  writeFileSync(next, "");
  await card(ana.page, /gated until.*Idle/).waitFor();
});

test("the agent's pointer is gone when its work is over", async () => {
  await ana.page.locator(".peer-cursor.is-agent").waitFor({ state: "detached" });
  assert.deepEqual(ana.faults, []);
});
