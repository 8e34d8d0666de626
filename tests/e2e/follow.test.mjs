// Being together: following, spotlight, selections, away and invisible people, one drag against another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, card, launch, person, picture } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;
let ana;
let bruno;
let chiara;
let session;

before(async () => {
  grove = await startGrove();
  const repo = await grove.addRepo(makeRepo(grove.home, "lists").directory);
  board = await grove.firstBoard();
  session = await grove.api("POST", "/sessions", {
    board_id: board.id,
    repo_id: repo.id,
    prompt: "Take a look around and tell me what is here.",
    pos: [0, 0],
  });
  await grove.api("POST", `/boards/${board.id}/objects`, { kind: "note", pos: [380, 0], text: "Plan", color: "amber" });
  browser = await launch();
  ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
  chiara = await person(browser, `${grove.url}/b/${board.id}`, "Chiara");
  await card(chiara.page, /Take a look around/).waitFor();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const layer = ({ page }) =>
  page
    .locator(".board-layer")
    .first()
    .evaluate((element) => element.style.transform);
const following = ({ page }, name) => page.getByRole("status").filter({ hasText: `Following ${name}` });

async function sameView(a, b) {
  await until("the same view in both windows", async () => (await layer(a)) === (await layer(b)));
}

test("following shows what the other sees, panel and tab included, until one moves oneself", async () => {
  await bruno.page.getByRole("button", { name: "Follow Ana" }).click();
  await following(bruno, "Ana").waitFor();
  await ana.page.getByRole("button", { name: "Zoom out" }).click();
  await ana.page.mouse.move(600, 500);
  await ana.page.mouse.wheel(140, 90);
  await sameView(ana, bruno);
  await card(ana.page, /Take a look around/).click();
  await bruno.page.getByRole("complementary", { name: "Session" }).waitFor();
  await ana.page.getByRole("tab", { name: /^Diff/ }).click();
  await bruno.page.getByRole("tab", { name: /^Diff/, selected: true }).waitFor();
  await picture(bruno.page, "follow-light");
  assert.deepEqual(await axe(bruno.page), []);

  await ana.page.getByRole("button", { name: "People on this board" }).click();
  await ana.page.getByText("follows you").waitFor();
  await ana.page.keyboard.press("Escape");
  await bruno.page.mouse.move(300, 600);
  await bruno.page.mouse.wheel(0, 40);
  await following(bruno, "Ana").waitFor({ state: "detached" });
});

test("Escape ends the following and leaves everything else as it is", async () => {
  await bruno.page.getByRole("button", { name: "Follow Ana" }).click();
  await following(bruno, "Ana").waitFor();
  await bruno.page.keyboard.press("Escape");
  await following(bruno, "Ana").waitFor({ state: "detached" });
  await bruno.page.getByRole("complementary", { name: "Session" }).waitFor();
});

test("a spotlight asks everybody once; who accepts follows until it ends", async () => {
  await ana.page.getByRole("button", { name: "People on this board" }).click();
  await ana.page.getByRole("button", { name: "Ask everybody to follow me" }).click();
  const asks = ({ page }) => page.getByRole("alertdialog", { name: "Ana asks everybody to follow" });
  await asks(bruno).waitFor();
  await asks(chiara).waitFor();
  await picture(chiara.page, "spotlight-light");
  await asks(chiara).getByRole("button", { name: "Ignore" }).click();
  await asks(chiara).waitFor({ state: "detached" });
  await asks(bruno).getByRole("button", { name: "Follow" }).click();
  await following(bruno, "Ana").waitFor();
  await ana.page.getByText("You are in the spotlight · 1 follows").waitFor();
  await sameView(ana, bruno);
  await ana.page.getByRole("button", { name: "End", exact: true }).click();
  await following(bruno, "Ana").waitFor({ state: "detached" });
  assert.equal(await asks(chiara).count(), 0);
});

test("what one selects is outlined for the others in one's colour", async () => {
  await ana.page.getByRole("group", { name: "Note: Plan" }).click();
  const outline = chiara.page.locator('.peer-outline[data-peer="Ana"]');
  const note = chiara.page.getByRole("group", { name: "Note: Plan" });
  await until("the outline around the note", async () => {
    // Either is drawn anew when the other moves: there may be none for a moment.
    const [box, mine] = await Promise.all([outline, note].map((it) => it.boundingBox().catch(() => null)));
    return box && mine && Math.abs(box.x - mine.x) < 8 && Math.abs(box.y - mine.y) < 8;
  });
});

test("someone off screen has an arrow at the edge that leads to them", async () => {
  await chiara.page.mouse.move(720, 500);
  await chiara.page.mouse.wheel(3_000, 0);
  const area = await ana.page.getByRole("region", { name: "Board" }).boundingBox();
  await ana.page.mouse.move(area.x + 200, area.y + 300);
  await ana.page.mouse.move(area.x + 240, area.y + 320, { steps: 4 });
  const arrow = chiara.page.locator('.peer-edge[data-peer="Ana"]');
  await arrow.waitFor();
  await picture(chiara.page, "edge-arrow-light");
  await arrow.click();
  await chiara.page.locator('.peer-cursor[data-peer="Ana"]').waitFor();
});

test("others can be switched off, for this person also after a reload", async () => {
  await chiara.page.keyboard.press("Shift+|");
  await chiara.page.locator(".peer-cursor, .peer-edge, .peer-outline").first().waitFor({ state: "detached" });
  await chiara.page.reload();
  await chiara.page.getByRole("button", { name: /^People on this board/ }).click();
  const choice = chiara.page.getByRole("switch", { name: /Show the pointers of others/ });
  assert.equal(await choice.getAttribute("aria-checked"), "false");
  await choice.click();
  await chiara.page.keyboard.press("Escape");
  await chiara.page.locator('.peer-outline[data-peer="Ana"]').waitFor();
});

test("an invisible person is in nobody's list and has no pointer", async () => {
  await bruno.page.getByRole("button", { name: /^People on this board/ }).click();
  await bruno.page.getByRole("switch", { name: "Be invisible" }).click();
  await ana.page.getByRole("button", { name: "Follow Bruno" }).waitFor({ state: "detached" });
  await bruno.page.mouse.move(500, 500, { steps: 3 });
  assert.equal(await ana.page.locator('.peer-cursor[data-peer="Bruno"]').count(), 0);
  await bruno.page.getByRole("switch", { name: "Be invisible" }).click();
  await bruno.page.keyboard.press("Escape");
  await ana.page.getByRole("button", { name: "Follow Bruno" }).waitFor();
});

test("two who drag the same note at once both end with what was dropped last", async () => {
  for (const { page } of [ana, bruno, chiara]) {
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Show everything" }).click();
  }
  const plan = (page) => page.getByRole("group", { name: "Note: Plan" });
  const grasp = async ({ page }, dx, dy) => {
    const box = await until("the note's place", () => plan(page).boundingBox());
    await page.mouse.move(box.x + 60, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 60 + dx, box.y + 60 + dy, { steps: 6 });
  };
  await grasp(ana, 0, 120);
  await until("Ana's drag in Chiara's window", async () => {
    const [here, there] = await Promise.all([ana, chiara].map(({ page }) => plan(page).evaluate((element) => element.style.transform)));
    return here === there;
  });
  await grasp(bruno, 60, 60);
  await ana.page.mouse.up();
  await bruno.page.mouse.up();
  const places = () => Promise.all([ana, bruno, chiara].map(({ page }) => plan(page).evaluate((element) => element.style.transform)));
  await until("one place for all", async () => {
    const [object] = (await grove.api("GET", `/boards/${board.id}/objects?limit=200`)).items.filter((it) => it.text === "Plan");
    const wanted = `translate(${object.pos[0]}px, ${object.pos[1]}px)`;
    return (await places()).every((place) => place === wanted);
  });
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults, ...chiara.faults], []);
  assert.ok(session.id);
});
