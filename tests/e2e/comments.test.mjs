// Comments in two windows: threads live on the board, on a message and on a line of a diff; images from the clipboard.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, card, conversation, launch, person, picture } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;
let ana;
let bruno;

before(async () => {
  grove = await startGrove();
  const repo = await grove.addRepo(makeRepo(grove.home, "lists").directory);
  board = await grove.firstBoard();
  await grove.api("POST", `/boards/${board.id}/objects`, { kind: "note", pos: [0, 300], text: "Release on Friday", color: "amber" });
  await grove.api("POST", "/sessions", { board_id: board.id, repo_id: repo.id, prompt: "edit the list, please", pos: [0, 0] });
  browser = await launch();
  ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
  for (const { page } of [ana, bruno]) await page.getByRole("toolbar", { name: "Board tools" }).waitFor();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const pin = (page, text) => page.getByRole("button", { name: text });

test("a comment on a note is seen at once, answered with a call by name, and resolved", async () => {
  await ana.page.getByRole("group", { name: "Note: Release on Friday" }).focus();
  await ana.page.keyboard.press("c");
  const draft = ana.page.getByRole("dialog", { name: "New comment" });
  await draft.getByRole("combobox", { name: "Comment" }).fill("Is that still true?");
  await ana.page.keyboard.press("Enter");
  await ana.page.getByRole("dialog", { name: "Thread" }).getByText("Is that still true?").waitFor();

  await pin(bruno.page, /^Comment by Ana: Is that still true/).click();
  const thread = bruno.page.getByRole("dialog", { name: "Thread" });
  const field = thread.getByRole("combobox", { name: "Reply" });
  await field.pressSequentially("Yes, @An");
  await thread.getByRole("option", { name: "Ana" }).waitFor();
  await bruno.page.keyboard.press("Enter");
  assert.equal(await field.inputValue(), "Yes, @Ana ");
  await bruno.page.keyboard.press("Enter");
  const reply = ana.page.getByRole("dialog", { name: "Thread" }).getByRole("article", { name: "Comment by Bruno" });
  await reply.getByText("@Ana").waitFor();
  const { items } = await grove.api("GET", `/comments?board_id=${board.id}`);
  const anas = (await grove.api("GET", "/users")).items.find(({ name }) => name === "Ana");
  assert.deepEqual(items.find(({ parent }) => parent !== null).mentions, [anas.id]);
  for (const colorScheme of ["light", "dark"]) {
    await bruno.page.emulateMedia({ colorScheme });
    assert.deepEqual(await axe(bruno.page), []);
    await picture(bruno.page, `comments-${colorScheme}`);
  }
  await thread.getByRole("button", { name: "Resolve" }).click();
  await ana.page.getByRole("button", { name: "Open again" }).waitFor();
  await ana.page.keyboard.press("Escape");
  await pin(ana.page, /^Comment by Ana/).waitFor({ state: "detached" });
});

test("a comment on a place of the board is in the list of both, also when it is resolved", async () => {
  const { page } = ana;
  await page.keyboard.press("Escape");
  await page.keyboard.press("c");
  const area = await page.getByRole("region", { name: "Board" }).boundingBox();
  await page.mouse.click(area.x + 900, area.y + 150);
  await page.getByRole("combobox", { name: "Comment" }).fill("Room for more");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Thread" }).waitFor();
  await bruno.page.keyboard.press("Escape");
  await bruno.page.getByRole("button", { name: /^Comments, 1 open/ }).click();
  const list = bruno.page.getByRole("navigation", { name: "Lists of the board" });
  await list.getByText("Room for more").waitFor();
  await list.getByRole("button", { name: "Show 1 resolved" }).click();
  await list.getByText("Is that still true?").waitFor();
  await list.getByRole("button", { name: "Close the list" }).click();
});

test("messages and lines of a diff are commented on in the panel of the session", async () => {
  for (const { page } of [ana, bruno]) {
    await page.keyboard.press("Escape");
    await card(page, /edit the list/).click();
    await conversation(page).waitFor();
  }
  const allow = bruno.page.getByRole("region", { name: /^Permission needed/ }).getByRole("button", { name: /^Allow/ });
  await allow.click();
  await conversation(ana.page).getByText("Both files are written.").waitFor();
  const entry = conversation(ana.page).locator(".commented", { hasText: "Both files are written." });
  await entry.hover();
  await entry.getByRole("button", { name: "Comment on this entry" }).click();
  await entry.getByRole("combobox", { name: "Comment" }).fill("Well done");
  await ana.page.keyboard.press("Enter");
  await conversation(bruno.page).getByRole("region", { name: "Thread: This entry" }).getByText("Well done").waitFor();

  for (const { page } of [ana, bruno]) await page.getByRole("tab", { name: /^Diff 2/ }).click();
  const file = (page) => page.getByRole("region", { name: "Changes of list.txt" });
  await file(ana.page).getByRole("button", { name: "Comment on line 4" }).click({ force: true });
  await file(ana.page).getByRole("combobox", { name: "Comment" }).fill("Why four?");
  await ana.page.keyboard.press("Enter");
  await file(bruno.page).getByRole("region", { name: "Thread: Line 4" }).getByText("Why four?").waitFor();
  assert.deepEqual(await axe(bruno.page), []);
  const [session] = (await grove.api("GET", "/sessions")).items;
  const found = (await grove.api("GET", `/comments?session_id=${session.id}`)).items;
  assert.deepEqual(found.map(({ anchor }) => anchor.kind).sort(), ["diff_line", "message"]);
});

test("an image is pasted onto the board and shown to both", async () => {
  const { page } = ana;
  await page.keyboard.press("Escape");
  await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 120;
    canvas.height = 80;
    const context = canvas.getContext("2d");
    context.fillStyle = "#17603d";
    context.fillRect(0, 0, 120, 80);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const data = new DataTransfer();
    data.items.add(new File([blob], "tree.png", { type: "image/png" }));
    document.querySelector(".board").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  });
  const image = bruno.page.getByRole("group", { name: "Image: tree" });
  await image.waitFor();
  await until("the content of the image", () =>
    image.locator("img").evaluate((element) => element.complete && element.naturalWidth === 120),
  );
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
});
