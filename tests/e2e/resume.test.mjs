// Being away, and a daemon that dies: nothing is lost, nothing is doubled, nobody has to reload.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { card, conversation, launch, person, picture, startSession } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { cuttable } from "./lib/proxy.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;

before(async () => {
  grove = await startGrove();
  await grove.addRepo(makeRepo(grove.home, "lists").directory);
  board = await grove.firstBoard();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

/** How many changes lie in the browser's database. */
function keptChanges(page) {
  return page.evaluate(
    () =>
      new Promise((done, fail) => {
        const opening = indexedDB.open("grove");
        opening.onerror = () => fail(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction("changes").objectStore("changes").count();
          reading.onsuccess = () => {
            opening.result.close();
            done(reading.result);
          };
        };
      }),
  );
}

test("someone who was offline catches up from where they were, without a new snapshot", async (t) => {
  const line = await cuttable(grove.port);
  t.after(() => line.close());
  const away = await person(browser, `${line.url}/b/${board.id}`, "Away");
  const topic = `board:${board.id}`;
  const object = await grove.api("POST", `/boards/${board.id}/objects`, { kind: "note", pos: [0, 0], text: "first", color: "amber" });
  const note = (text) => away.page.getByRole("group", { name: `Note: ${text}` });
  await note("first").waitFor();

  line.cut();
  await away.page.getByText("Offline.", { exact: true }).waitFor();
  for (const text of ["second", "third", "fourth"]) {
    await grove.api("PATCH", `/boards/${board.id}/objects/${object.id}`, { text });
  }
  // What one does meanwhile is kept and sent later.
  await away.page.getByRole("button", { name: "New note" }).click();
  await away.page.keyboard.press("Enter");
  await away.page.getByLabel("Words of the note").fill("written offline");
  await away.page.keyboard.press("Control+Enter");
  const before = away.frames.received.length;
  line.mend();

  await note("fourth").waitFor();
  await until("the note from offline in the daemon", async () => {
    const { items } = await grove.api("GET", `/boards/${board.id}/objects?limit=200`);
    return items.some((item) => item.text === "written offline");
  });
  const later = away.frames.received.slice(before).filter((frame) => frame.ch === topic);
  assert.deepEqual(
    later.filter((frame) => frame.t === "snap"),
    [],
  );
  assert.equal(later.filter((frame) => frame.t === "subok").length, 1);
  const seqs = later.filter((frame) => frame.t === "ev").flatMap((frame) => frame.evs.map((event) => event.seq));
  assert.deepEqual(
    seqs,
    [...new Set(seqs)].sort((a, b) => a - b),
  );
  assert.ok(seqs.length >= 3);
  const { items } = await grove.api("GET", `/boards/${board.id}/objects?limit=200`);
  assert.equal(items.filter((item) => item.text === "written offline").length, 1);
  assert.deepEqual(away.faults, []);
  await away.context.close();
});

test("what was changed offline is still there after the page was closed, and is sent once", async (t) => {
  const line = await cuttable(grove.port);
  t.after(() => line.close());
  const address = `${line.url}/b/${board.id}`;
  const away = await person(browser, address, "Traveller");
  const { page } = away;
  const object = await grove.api("POST", `/boards/${board.id}/objects`, { kind: "note", pos: [400, 0], text: "carried", color: "blue" });
  const note = page.getByRole("group", { name: "Note: carried" });
  await note.waitFor();
  line.cut();
  await page.getByText("Offline.", { exact: true }).waitFor();
  await note.focus();
  for (const key of ["Alt+ArrowRight", "Alt+ArrowDown", "Alt+ArrowDown"]) await page.keyboard.press(key);
  await page.getByText("3 changes are kept").waitFor();
  await until("the changes in the browser's database", async () => (await keptChanges(page)) === 3);
  await picture(page, "offline-light");
  await page.goto("about:blank");
  line.mend();

  await page.goto(address);
  await until("the note in its place in the daemon", async () => {
    const { pos } = await grove.api("GET", `/boards/${board.id}/objects/${object.id}`);
    return pos[0] === 420 && pos[1] === 40;
  });
  await page.getByRole("contentinfo").getByText("Live").waitFor();
  await until("nothing kept any more", async () => (await keptChanges(page)) === 0);
  const sent = away.frames.sent.filter((frame) => frame.t === "mut").map((frame) => frame.mid);
  assert.equal(new Set(sent).size, 3);
  assert.deepEqual(away.faults, []);
  await away.context.close();
});

test("the daemon is killed in the middle of a stream: the text is complete, exactly once, in both windows", async () => {
  const gate = join(grove.shared, "gate");
  const ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  const bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
  await startSession(ana.page, `gated until ${gate}`);
  await card(bruno.page, /gated until/).click();
  const early = "Before the gate 🌱 stand exactly these words, and then";
  for (const { page } of [ana, bruno]) await conversation(page).getByText(early).waitFor();

  await grove.killDaemon();
  writeFileSync(gate, "");
  const whole = `${early} come these words after the gate, once and only once.`;
  for (const { page } of [ana, bruno]) {
    await conversation(page).getByText("once and only once.").waitFor();
    await card(page, /gated until.*Idle/).waitFor();
    const text = (await conversation(page).locator("[data-message]").allInnerTexts()).join("\n").replace(/\s+/g, " ");
    assert.equal(text.trim(), whole);
    assert.equal(text.split("Before the gate").length, 2);
    await page.getByRole("contentinfo").getByText("Live").waitFor();
  }
  const [session] = (await grove.api("GET", "/sessions")).items;
  const { items } = await grove.api("GET", `/sessions/${session.id}/messages`);
  const texts = items.filter((message) => message.body.kind === "text").map((message) => message.text);
  assert.equal(texts.join("").trim(), whole);
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
  await ana.context.close();
  await bruno.context.close();
});
