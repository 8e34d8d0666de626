// Draws what is not an element: edges between cards, cards seen from far, cards not mounted yet.
import type { SessionCard } from "@/wire";
import type { Rect, Viewport } from "./geometry";
import type { Item } from "./items";
import { type Palette, TONE, type Tone } from "./palette";
import { headOf, type Route } from "./route";
import type { Guide } from "./snap";

/** From here on cards are tiles with their title; below they are dots: a colour and a shape. */
const TITLE_ZOOM = 0.12;
const EDGE_ZOOM = 0.06;
const CARD_RADIUS = 8;

/** One object to draw; `card` is there for sessions. */
export interface Drawn {
  item: Item;
  rect: Rect;
  card: SessionCard | null;
  text: string;
  color: string;
}

/** A line from one object to another. */
export interface Edge {
  route: Route;
  look: "spawn" | "fork" | "arrow";
  color: string;
  isSelected: boolean;
}

/** What one frame shows. */
export interface Scene {
  view: Viewport;
  width: number;
  height: number;
  ratio: number;
  palette: Palette;
  edges: Edge[];
  things: Drawn[];
  guides: readonly Guide[];
}

/** Draws the whole frame. */
export function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { view, ratio } = scene;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, Math.ceil(scene.width * ratio), Math.ceil(scene.height * ratio));
  context.setTransform(view.z * ratio, 0, 0, view.z * ratio, view.x * ratio, view.y * ratio);
  if (view.z >= EDGE_ZOOM) drawEdges(context, scene);
  drawMarks(context, scene);
  drawCards(context, scene);
  drawGuides(context, scene);
}

/** Lines that look alike share one path, however many there are. */
function drawEdges(context: CanvasRenderingContext2D, scene: Scene): void {
  const alike = new Map<string, Edge[]>();
  for (const edge of scene.edges) {
    const key = `${edge.look} ${edge.color} ${edge.isSelected}`;
    const others = alike.get(key);
    if (others) others.push(edge);
    else alike.set(key, [edge]);
  }
  for (const edges of alike.values()) if (edges[0]) drawAlike(context, scene, edges, edges[0]);
}

function drawAlike(context: CanvasRenderingContext2D, { view, palette }: Scene, edges: readonly Edge[], look: Edge): void {
  const isArrow = look.look === "arrow";
  const unit = 1 / Math.max(view.z, 0.3);
  if (look.isSelected) {
    context.beginPath();
    for (const { route } of edges) trace(context, route);
    context.strokeStyle = palette.focus;
    context.globalAlpha = 0.35;
    context.lineWidth = 7 * unit;
    context.stroke();
    context.globalAlpha = 1;
  }
  context.beginPath();
  context.strokeStyle = look.color;
  context.lineWidth = (isArrow ? 2 : 1.5) * unit;
  context.lineJoin = "round";
  context.lineCap = isArrow ? "round" : "butt";
  context.setLineDash(look.look === "fork" ? [7, 6] : []);
  for (const { route } of edges) {
    trace(context, route);
    if (!isArrow) continue;
    const [left, right] = headOf(route, Math.max(1, unit * 0.8));
    context.moveTo(left[0], left[1]);
    context.lineTo(route.to[0], route.to[1]);
    context.lineTo(right[0], right[1]);
  }
  context.stroke();
  context.setLineDash([]);
  if (isArrow) return;
  context.beginPath();
  context.fillStyle = look.color;
  for (const { route } of edges) {
    context.moveTo(route.to[0] + 4, route.to[1]);
    context.arc(route.to[0], route.to[1], 4, 0, 2 * Math.PI);
  }
  context.fill();
}

function trace(context: CanvasRenderingContext2D, { from, a, b, to }: Route): void {
  context.moveTo(from[0], from[1]);
  context.bezierCurveTo(a[0], a[1], b[0], b[1], to[0], to[1]);
}

/** Lines that show what a dragged thing lines up with. */
function drawGuides(context: CanvasRenderingContext2D, { guides, palette, view }: Scene): void {
  if (guides.length === 0) return;
  context.beginPath();
  context.strokeStyle = palette.guide;
  context.lineWidth = 1 / view.z;
  for (const { axis, at, from, to } of guides) {
    context.moveTo(...((axis === "x" ? [at, from] : [from, at]) as [number, number]));
    context.lineTo(...((axis === "x" ? [at, to] : [to, at]) as [number, number]));
  }
  context.stroke();
}

function drawMarks(context: CanvasRenderingContext2D, { things, view, palette }: Scene): void {
  for (const { item, rect, color, text } of things) {
    if (item.kind === "note" || item.kind === "document" || item.kind === "image") {
      context.fillStyle = color;
      context.beginPath();
      context.roundRect(rect.x, rect.y, rect.w, rect.h, CARD_RADIUS);
      context.fill();
    }
    if (view.z < TITLE_ZOOM || item.kind === "session") continue;
    const size = item.kind === "text" ? 24 : 22;
    label(context, text.split("\n", 1)[0] ?? "", rect, size, palette.text);
  }
}

/** Cards batched by colour: one path for each, however many there are. */
function drawCards(context: CanvasRenderingContext2D, { things, palette, view }: Scene): void {
  const byTone = new Map<Tone, Drawn[]>();
  for (const thing of things) {
    if (!thing.card) continue;
    const tone = TONE[thing.card.state] ?? "idle";
    const others = byTone.get(tone);
    if (others) others.push(thing);
    else byTone.set(tone, [thing]);
  }
  for (const [tone, cards] of byTone) {
    context.beginPath();
    for (const { rect } of cards) context.roundRect(rect.x, rect.y, rect.w, rect.h, CARD_RADIUS);
    context.fillStyle = palette.toneFill[tone];
    context.fill();
    context.strokeStyle = palette.tone[tone];
    context.lineWidth = Math.max(1, 1.25 / view.z);
    context.stroke();
    context.beginPath();
    for (const { rect } of cards) context.roundRect(rect.x, rect.y, 10, rect.h, [CARD_RADIUS, 0, 0, CARD_RADIUS]);
    context.fillStyle = palette.tone[tone];
    context.fill();
  }
  const isDot = view.z < TITLE_ZOOM;
  for (const [tone, cards] of byTone) {
    context.beginPath();
    for (const { rect } of cards) {
      if (isDot) glyph(context, tone, rect.x + rect.w / 2 + 5, rect.y + rect.h / 2, 42);
      else glyph(context, tone, rect.x + rect.w - 30, rect.y + rect.h - 30, 13);
    }
    context.fillStyle = palette.tone[tone];
    context.fill();
  }
  if (isDot) return;
  for (const { card, rect } of things) if (card) label(context, card.title, rect, 30, palette.text);
}

/** The shape of a state, for those who do not tell it by its colour. */
function glyph(context: CanvasRenderingContext2D, tone: Tone, x: number, y: number, r: number): void {
  const polygon = (points: readonly (readonly [number, number])[]) => {
    points.forEach(([px, py], index) => {
      if (index === 0) context.moveTo(x + px * r, y + py * r);
      else context.lineTo(x + px * r, y + py * r);
    });
    context.closePath();
  };
  if (tone === "run")
    polygon([
      [-0.8, -1],
      [1, 0],
      [-0.8, 1],
    ]);
  else if (tone === "need")
    polygon([
      [0, -1.1],
      [1.1, 0],
      [0, 1.1],
      [-1.1, 0],
    ]);
  else if (tone === "wait")
    polygon([
      [-0.9, -1],
      [0.9, -1],
      [0, 0],
      [0.9, 1],
      [-0.9, 1],
      [0, 0],
    ]);
  else if (tone === "fail") {
    const t = 0.28;
    polygon([
      [-1, -1 + t],
      [-1 + t, -1],
      [1, 1 - t],
      [1 - t, 1],
    ]);
    polygon([
      [1 - t, -1],
      [1, -1 + t],
      [-1 + t, 1],
      [-1, 1 - t],
    ]);
  } else {
    context.moveTo(x + r, y);
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.moveTo(x + r * 0.7, y);
    context.arc(x, y, r * 0.7, 0, 2 * Math.PI, true);
  }
}

/** Words in a rectangle, on up to three lines, cut where they do not fit. */
function label(context: CanvasRenderingContext2D, text: string, rect: Rect, size: number, color: string): void {
  context.font = `600 ${size}px ${FONT}`;
  context.fillStyle = color;
  context.textBaseline = "top";
  const room = rect.w - 40;
  const most = Math.max(1, Math.min(3, Math.floor((rect.h - 16) / (size * 1.25))));
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).slice(0, 40)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > room) {
      lines.push(line);
      line = word;
      if (lines.length === most) break;
    } else line = longer;
  }
  if (lines.length < most) lines.push(line);
  else lines[most - 1] = `${lines[most - 1] ?? ""}…`;
  lines.forEach((words, index) => {
    context.fillText(words, rect.x + 26, rect.y + 16 + index * size * 1.25, rect.w - 36);
  });
}

const FONT = '-apple-system, "Segoe UI", Inter, Roboto, Ubuntu, "Noto Sans", "Liberation Sans", Arial, sans-serif';
