// Draws what is not an element: edges between cards, cards seen from far, cards not mounted yet.
import type { SessionCard } from "@/wire";
import type { Rect, Viewport } from "./geometry";
import type { Item } from "./items";
import { type Palette, TONE, type Tone } from "./palette";

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

/** A line from parent to child. */
export interface Edge {
  from: Rect;
  to: Rect;
  isFork: boolean;
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
}

function drawEdges(context: CanvasRenderingContext2D, { edges, palette, view }: Scene): void {
  for (const isFork of [false, true]) {
    context.beginPath();
    context.strokeStyle = isFork ? palette.fork : palette.edge;
    context.lineWidth = 1.5 / Math.max(view.z, 0.3);
    context.setLineDash(isFork ? [7, 6] : []);
    for (const edge of edges) if (edge.isFork === isFork) trace(context, edge.from, edge.to);
    context.stroke();
  }
  context.setLineDash([]);
  for (const isFork of [false, true]) {
    context.beginPath();
    context.fillStyle = isFork ? palette.fork : palette.edge;
    for (const edge of edges) {
      if (edge.isFork !== isFork) continue;
      const [x, y] = ends(edge.from, edge.to)[1];
      context.moveTo(x + 4, y);
      context.arc(x, y, 4, 0, 2 * Math.PI);
    }
    context.fill();
  }
}

/** Where an edge leaves the parent and meets the child: below and above, or at the sides when level. */
function ends(from: Rect, to: Rect): [[number, number], [number, number]] {
  const isBelow = to.y > from.y + from.h;
  const isAbove = to.y + to.h < from.y;
  if (isBelow || isAbove) {
    return [
      [from.x + from.w / 2, isBelow ? from.y + from.h : from.y],
      [to.x + to.w / 2, isBelow ? to.y : to.y + to.h],
    ];
  }
  const isRight = to.x >= from.x;
  return [
    [isRight ? from.x + from.w : from.x, from.y + from.h / 2],
    [isRight ? to.x : to.x + to.w, to.y + to.h / 2],
  ];
}

function trace(context: CanvasRenderingContext2D, from: Rect, to: Rect): void {
  const [[ax, ay], [bx, by]] = ends(from, to);
  context.moveTo(ax, ay);
  if (to.y > from.y + from.h || to.y + to.h < from.y) {
    const middle = (ay + by) / 2;
    context.bezierCurveTo(ax, middle, bx, middle, bx, by);
  } else {
    const middle = (ax + bx) / 2;
    context.bezierCurveTo(middle, ay, middle, by, bx, by);
  }
}

function drawMarks(context: CanvasRenderingContext2D, { things, view, palette }: Scene): void {
  for (const { item, rect, color, text } of things) {
    if (item.kind === "note") {
      context.fillStyle = color;
      context.beginPath();
      context.roundRect(rect.x, rect.y, rect.w, rect.h, CARD_RADIUS);
      context.fill();
    }
    if (view.z < TITLE_ZOOM || (item.kind !== "note" && item.kind !== "text")) continue;
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
  if (view.z < TITLE_ZOOM) return;
  for (const { card, rect } of things) if (card) label(context, card.title, rect, 30, palette.text);
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
