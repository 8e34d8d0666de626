// Two people write one note and one prompt: carets with names, letters at the same moment, a line that is
// cut, a draft that is sent, a reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, card, conversation, launch, person, picture, startSession } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { cuttable } from "./lib/proxy.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let line;
let board;
let ana;
let bruno;

before(async () => {
  grove = await startGrove();
  await grove.addRepo(makeRepo(grove.home, "lists").directory);
  board = await grove.firstBoard();
  line = await cuttable(grove.port);
  browser = await launch();
  ana = await person(browser, `${line.url}/b/${board.id}`, "Ana");
  bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
});

after(async () => {
  await browser?.close();
  await line?.close();
  await grove?.stop();
});

const note = (page, text) => page.getByRole("group", { name: `Note: ${text}` });
const words = (page) => page.getByRole("textbox", { name: "Words of the note" });
const prompt = (page) => page.locator("form.shrink-0").getByRole("textbox", { name: "Prompt" });
const textOf = async (field) => (await field.textContent()).replace(/[\u2060\n]/g, "");
/** What a person reads in the field, without the flags of others. */
const plain = (field) =>
  field.evaluate((element) => {
    const copy = element.cloneNode(true);
    for (const caret of copy.querySelectorAll(".cm-ySelectionCaret")) caret.remove();
    return [...copy.querySelectorAll(".cm-line")].map((it) => it.textContent).join("\n");
  });

test("two people type into one note at once and see each other's caret and name", async () => {
  const object = await grove.api("POST", `/boards/${board.id}/objects`, {
    kind: "note",
    pos: [0, 0],
    size: [340, 220],
    text: "Plan: ",
    color: "amber",
  });
  for (const { page } of [ana, bruno]) {
    await page.keyboard.press("Shift+Digit1");
    await note(page, "Plan:").dblclick();
    await words(page).waitFor();
  }
  await ana.page.keyboard.press("Control+Home");
  await bruno.page.keyboard.press("Control+End");
  await Promise.all([ana.page.keyboard.type("# Monday\n"), bruno.page.keyboard.type("- buy oat milk")]);
  const whole = "# Monday\nPlan: - buy oat milk";
  for (const { page } of [ana, bruno]) await until("both wrote", async () => (await plain(words(page))) === whole);
  await words(ana.page).locator(".cm-ySelectionInfo", { hasText: "Bruno" }).waitFor();
  await words(bruno.page).locator(".cm-ySelectionInfo", { hasText: "Ana" }).waitFor();
  await picture(bruno.page, "note-two-carets");
  for (const { page } of [ana, bruno]) await page.keyboard.press("Escape");
  for (const { page } of [ana, bruno]) await page.getByRole("heading", { name: "Monday" }).waitFor();
  await until("the note's text follows", async () => {
    const { text } = await grove.api("GET", `/boards/${board.id}/objects/${object.id}`);
    return text === whole;
  });
  await words(bruno.page).waitFor({ state: "detached" });
});

test("what one writes without a line merges with what the other wrote meanwhile", async () => {
  for (const { page } of [ana, bruno]) {
    await note(page, "# Monday").dblclick();
    await words(page).waitFor();
  }
  line.cut();
  await ana.page.getByText("Offline.", { exact: true }).waitFor();
  await ana.page.keyboard.press("Control+End");
  await ana.page.keyboard.type(" (offline)");
  await bruno.page.keyboard.press("Control+Home");
  await bruno.page.keyboard.type("Meanwhile ");
  line.mend();
  for (const { page } of [ana, bruno]) {
    await until("both changes", async () => {
      const text = await plain(words(page));
      return text.startsWith("Meanwhile # Monday") && text.endsWith("milk (offline)");
    });
    await page.keyboard.press("Escape");
  }
});

test("two people write one prompt; who sends it leaves what came after it", async () => {
  await startSession(ana.page, "edit the list, please");
  const title = /edit the list, please/;
  await card(bruno.page, title).waitFor();
  await card(bruno.page, title).click();
  for (const { page } of [ana, bruno]) await prompt(page).waitFor();
  await prompt(ana.page).click();
  await ana.page.keyboard.type("say hello");
  await until("Bruno sees it", async () => (await plain(prompt(bruno.page))) === "say hello");
  await prompt(bruno.page).click();
  await bruno.page.keyboard.press("Control+End");
  await bruno.page.keyboard.type(" to everybody");
  await prompt(ana.page).locator(".cm-ySelectionInfo", { hasText: "Bruno" }).waitFor();
  await until("Ana sees it", async () => (await plain(prompt(ana.page))) === "say hello to everybody");
  await picture(ana.page, "draft-two-carets");
  assert.deepEqual(await axe(ana.page), []);
  await ana.page.keyboard.press("Enter");
  for (const { page } of [ana, bruno]) {
    await conversation(page).getByText("say hello to everybody").first().waitFor();
    await until("the draft is empty", async () => (await textOf(prompt(page))).includes("What should the agent do?"));
  }
  const [session] = (await grove.api("GET", "/sessions")).items;
  const { items } = await grove.api("GET", `/sessions/${session.id}/messages?limit=200`);
  const queued = await grove.api("GET", `/tasks?session_id=${session.id}`);
  assert.equal(queued.items.filter((task) => task.prompt === "say hello to everybody").length, 1);
  assert.ok(items.length > 0);
});

test("a draft is there after a reload and after the daemon was killed", async () => {
  await prompt(bruno.page).click();
  await bruno.page.keyboard.type("not sent yet");
  await until("Ana has it", async () => (await plain(prompt(ana.page))) === "not sent yet");
  await grove.killDaemon();
  for (const { page } of [ana, bruno]) {
    await page.reload();
    await until("the draft is back", async () => (await prompt(page).count()) > 0 && (await plain(prompt(page))) === "not sent yet");
  }
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
});
