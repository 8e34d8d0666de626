// The map of a board on a small canvas: what lies where, what the window shows, where people are.
// What lies there is drawn once per change, on a sheet aside; each frame only copies it.
import type { Engine } from "./engine";
import { bounds, type Point, type Rect, shown } from "./geometry";
import { cardOf, markOf } from "./items";
import { readPalette, TONE } from "./palette";

const MARGIN = 0.06;

/** How a board fits on the map. */
export interface Fit {
  scale: number;
  x: number;
  y: number;
}

/** Fits an area into a map of this size, with a margin. */
export function fitInto(area: Rect, width: number, height: number): Fit {
  const scale = Math.min(width / Math.max(1, area.w), height / Math.max(1, area.h)) * (1 - 2 * MARGIN);
  return { scale, x: width / 2 - (area.x + area.w / 2) * scale, y: height / 2 - (area.y + area.h / 2) * scale };
}

/** Draws one map. */
export class Minimap {
  private readonly sheet = document.createElement("canvas");
  private fit: Fit = { scale: 1, x: 0, y: 0 };
  private drawn = "";
  private painted = "";
  private readonly ratio = Math.min(2, devicePixelRatio || 1);

  constructor(
    private readonly engine: Engine,
    private readonly canvas: HTMLCanvasElement,
    private readonly width: number,
    private readonly height: number,
  ) {
    for (const one of [canvas, this.sheet]) {
      one.width = width * this.ratio;
      one.height = height * this.ratio;
    }
  }

  /** The point of the board below a point of the map. */
  boardAt(x: number, y: number): Point {
    return [(x - this.fit.x) / this.fit.scale, (y - this.fit.y) / this.fit.scale];
  }

  /** Brings the map up to date; costs nothing when nothing has changed. */
  draw(theme: number): void {
    const { engine } = this;
    const { store, peers } = engine.channel;
    const contents = `${store.version} ${theme}`;
    if (contents !== this.drawn) {
      this.drawn = contents;
      this.drawSheet();
      this.painted = "";
    }
    const people = [...peers.all()].flatMap(({ identity, presence }) =>
      presence.cur && presence.seen !== "hidden" ? [{ slot: identity.slot, at: presence.cur }] : [],
    );
    const { x, y, z } = engine.view;
    const now = `${x} ${y} ${z} ${engine.width} ${engine.height} ${people.map(({ slot, at }) => `${slot} ${at}`).join()}`;
    if (now === this.painted) return;
    this.painted = now;
    this.copy(people);
  }

  private drawSheet(): void {
    const { engine, sheet } = this;
    const context = sheet.getContext("2d");
    if (!context) return;
    const palette = readPalette(engine.layers.root);
    const items = [...engine.items.values()].filter((item) => item.kind !== "edge");
    this.fit = fitInto(bounds(items.map((item) => item.rect)) ?? { x: 0, y: 0, w: 1000, h: 700 }, this.width, this.height);
    const { scale, x, y } = this.fit;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, sheet.width, sheet.height);
    context.setTransform(scale * this.ratio, 0, 0, scale * this.ratio, x * this.ratio, y * this.ratio);
    const byColor = new Map<string, Rect[]>();
    const cards = new Set<string>();
    const zones = items.filter((item) => item.kind === "zone");
    for (const { id, kind, rect } of [...zones, ...items.filter((item) => item.kind !== "zone")]) {
      const object = engine.channel.store.get(id);
      if (!object) continue;
      const tone = kind === "session" ? palette.tone[TONE[cardOf(object).state] ?? "idle"] : null;
      const mark = tone === null ? markOf(object).color : "neutral";
      const color = tone ?? (kind === "zone" ? palette.mark[mark] : palette.markInk[mark]);
      if (tone !== null || kind === "zone") cards.add(color);
      byColor.set(color, [...(byColor.get(color) ?? []), rect]);
    }
    for (const [color, rects] of byColor) {
      context.fillStyle = color;
      // Sessions are what one looks for; notes and the like stand back.
      context.globalAlpha = cards.has(color) ? 1 : 0.45;
      context.beginPath();
      for (const rect of rects) context.rect(rect.x, rect.y, Math.max(rect.w, 1.5 / scale), Math.max(rect.h, 1.5 / scale));
      context.fill();
    }
  }

  private copy(people: readonly { slot: number; at: readonly [number, number] }[]): void {
    const { engine, canvas, ratio } = this;
    const context = canvas.getContext("2d");
    if (!context) return;
    const style = getComputedStyle(engine.layers.root);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.sheet, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { scale, x, y } = this.fit;
    const area = shown(engine.view, engine.width, engine.height);
    context.strokeStyle = style.getPropertyValue("--focus");
    context.lineWidth = 1.5;
    context.strokeRect(area.x * scale + x, area.y * scale + y, area.w * scale, area.h * scale);
    for (const { slot, at } of people) {
      context.beginPath();
      context.fillStyle = style.getPropertyValue(`--slot-${slot % 12}`);
      context.arc(at[0] * scale + x, at[1] * scale + y, 3.5, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
