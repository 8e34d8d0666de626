// How it looks and how it is used without a mouse: WCAG 2.2 AA, keyboard, pictures in both themes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, card, conversation, launch, person, picture, startSession } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let address;

before(async () => {
  grove = await startGrove();
  const repo = await grove.addRepo(makeRepo(grove.home, "lists").directory);
  const board = await grove.firstBoard();
  address = `${grove.url}/b/${board.id}`;
  browser = await launch();
  const make = (prompt, pos) => grove.api("POST", "/sessions", { board_id: board.id, repo_id: repo.id, prompt, pos });
  await make("edit the list and ask before going on", [0, 0]);
  await make("Take a look around and tell me what is here.", [380, 0]);
  await make("Let a child session write the documentation.", [760, 0]);
  await grove.api("POST", `/boards/${board.id}/objects`, { kind: "note", pos: [0, 240], text: "Release on Friday", color: "amber" });
  await grove.api("POST", `/boards/${board.id}/objects`, {
    kind: "zone",
    pos: [-40, -40],
    size: [720, 460],
    text: "Release",
    color: "blue",
  });
  await until(
    "somebody is needed and the others are done",
    async () => {
      const { items } = await grove.api("GET", `/sessions?board_id=${board.id}`);
      const states = items.map((session) => session.state);
      return states.includes("awaiting_approval") && states.filter((state) => state === "idle").length >= 2;
    },
    60_000,
  );
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

for (const theme of ["light", "dark"]) {
  test(`board, panel and dialog are accessible and fit to be shown (${theme})`, async () => {
    const { context, page, faults } = await person(browser, address, null, { colorScheme: theme });
    await card(page, /edit the list/).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
    assert.deepEqual(await axe(page), []);
    await picture(page, `board-${theme}`);
    await page.getByRole("button", { name: "Not now" }).click();

    await card(page, /edit the list/).click();
    await page.getByRole("region", { name: /^Permission needed/ }).waitFor();
    assert.deepEqual(await axe(page), []);
    await picture(page, `panel-${theme}`);
    const [board, panel] = await Promise.all([
      page.getByRole("region", { name: "Board" }).boundingBox(),
      page.getByRole("complementary", { name: "Session" }).boundingBox(),
    ]);
    assert.ok(board.x + board.width <= panel.x + 1, "the panel lies beside the board, not over it");
    await page.getByRole("tab", { name: /^Diff/ }).click();
    await page.getByRole("region", { name: "Changes of list.txt" }).waitFor();
    assert.deepEqual(await axe(page), []);
    await picture(page, `diff-${theme}`);

    await page.getByRole("button", { name: "New session" }).click();
    await page.getByRole("dialog", { name: "New session" }).getByLabel("Repository", { exact: true }).waitFor();
    assert.deepEqual(await axe(page), []);
    await picture(page, `dialog-${theme}`);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test(`a narrow screen shows tiles and the session as a page of its own (${theme})`, async () => {
    const options = { viewport: { width: 390, height: 844 }, colorScheme: theme, hasTouch: true, isMobile: true };
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(address);
    await page.getByRole("button", { name: "Not now" }).click();
    const tile = page.getByRole("button", { name: /edit the list/ });
    await tile.waitFor();
    assert.deepEqual(await axe(page), []);
    await picture(page, `narrow-board-${theme}`);
    await tile.tap();
    await page.getByRole("region", { name: /^Permission needed/ }).waitFor();
    assert.deepEqual(await axe(page), []);
    await picture(page, `narrow-session-${theme}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 390, "nothing sticks out at the side");
    await page.getByRole("button", { name: "Back to the board" }).tap();
    await tile.waitFor();
    await context.close();
  });
}

test("everything can be done with the keyboard alone", async () => {
  const { context, page, faults } = await person(browser, address, "Kim");
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  await card(page, /edit the list/).waitFor();
  await card(page, /edit the list/).focus();
  await page.keyboard.press("ArrowRight");
  await until("the next card", async () => (await focused()).startsWith("Take a look around"));
  const place = () => card(page, /Take a look around/).evaluate((element) => element.style.transform);
  const before = await place();
  await page.keyboard.press("Alt+ArrowDown");
  await until("the card 20 lower", async () => (await place()) !== before);
  assert.equal(await place(), "translate(380px, 20px)");
  await page.keyboard.press("Enter");
  await conversation(page).waitFor();
  await page.keyboard.press("Escape");
  await conversation(page).waitFor({ state: "detached" });

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog", { name: "New session" });
  await dialog.getByRole("textbox", { name: "Prompt" }).fill("edit the list by keyboard");
  await until("a repository is chosen", () => dialog.getByRole("button", { name: /Create session/ }).isEnabled());
  await page.keyboard.press("Control+Enter");
  const request = page.getByRole("region", { name: /^Permission needed/ });
  await request.waitFor();
  await request.focus();
  await page.keyboard.press("d");
  await conversation(page).getByText("Kim denied this").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("stopping by Escape twice ends the work", async () => {
  const { context, page } = await person(browser, address, "Kim");
  await startSession(page, `gated until ${grove.home}/never`);
  await conversation(page).getByText("Before the gate").waitFor();
  await conversation(page).focus();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Esc again" }).waitFor();
  await page.keyboard.press("Escape");
  await conversation(page).getByText("Stopped").first().waitFor();
  await context.close();
});
