// The settings: reaching them, one's own profile, the people of the instance; accessible, in both themes, on narrow screens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, person, picture, visitor } from "./lib/browser.mjs";
import { startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;

before(async () => {
  grove = await startGrove();
  board = await grove.firstBoard();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

test("a name that is changed in the settings is the one that others see", async () => {
  const address = `${grove.url}/b/${board.id}`;
  const ana = await person(browser, address, "Ana");
  const bruno = await person(browser, address, "Bruno");
  await ana.page.keyboard.press(",");
  await ana.page.getByRole("heading", { name: "Profile" }).waitFor();
  const form = ana.page.getByRole("form", { name: "How others see you" });
  await form.getByLabel("Name", { exact: true }).fill("Anabel");
  await form.getByRole("button", { name: "Emoji 🦉" }).click();
  await form.getByRole("button", { name: "Save" }).click();
  await until("the form to rest", () => form.getByRole("button", { name: "Save" }).isDisabled());
  await ana.page.goBack();
  await bruno.page.getByRole("button", { name: "Follow Anabel" }).waitFor();
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
  await ana.context.close();
  await bruno.context.close();
});

test("people are put into a group, and out of it", async () => {
  const { context, page, faults } = await visitor(browser);
  await page.goto(`${grove.url}/settings/groups`);
  await page.getByText("No groups yet").waitFor();
  await page.getByRole("button", { name: "New group" }).click();
  const dialog = page.getByRole("dialog", { name: "New group" });
  await dialog.getByLabel("Name").fill("Platform");
  await dialog.getByRole("button", { name: "Make it" }).click();
  const group = page.getByRole("region", { name: "Group Platform" });
  await group.getByLabel("Add somebody to Platform").selectOption({ label: "Bruno" });
  await group.getByRole("list", { name: "People in Platform" }).getByText("Bruno").waitFor();
  await group.getByRole("button", { name: "Take Bruno out of Platform" }).click();
  await group.getByText("0 people").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a person who is retired is asked about first, and stays as a former member", async () => {
  const { context, page, faults } = await visitor(browser);
  await page.goto(`${grove.url}/settings/people`);
  const people = page.getByRole("list", { name: "People", exact: true });
  await people.getByText("Bruno").waitFor();
  const ask = async () => {
    await page.getByRole("button", { name: "More about Bruno" }).click();
    await page.getByRole("menuitem", { name: "Retire…" }).click();
  };
  await ask();
  const dialog = page.getByRole("dialog", { name: "Retire Bruno?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await people.getByText("Bruno").waitFor();
  await ask();
  await dialog.getByRole("button", { name: "Retire" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "1 former member" }).click();
  await page.getByRole("list", { name: "Former members" }).getByText("Bruno").waitFor();
  assert.equal(await people.getByText("Bruno").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

for (const [look, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
]) {
  test(`every page is accessible and fits (${look})`, async () => {
    const { context, page, faults } = await visitor(browser, options);
    await page.goto(`${grove.url}/settings`);
    await page.getByRole("navigation", { name: "Settings" }).waitFor();
    assert.deepEqual(await axe(page), []);
    for (const part of ["profile", "people", "groups"]) {
      await page.goto(`${grove.url}/settings/${part}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await until("the page has read what it shows", async () => (await page.locator("[aria-busy=true]").count()) === 0);
      assert.deepEqual(await axe(page), [], part);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${part} sticks out at the side`);
      await picture(page, `settings-${part}-${look}`);
    }
    assert.deepEqual(faults, []);
    await context.close();
  });
}
