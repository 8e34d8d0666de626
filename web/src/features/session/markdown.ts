// Markdown that is still being written: only its unfinished end is read again with each piece.
import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";

/** A finished or growing block of a text. */
export interface Block {
  raw: string;
  html: string;
}

const SAFE_LINK = /^(https?:|mailto:)/i;

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** HTML that an agent writes shows as the text it is; pictures from elsewhere become links. */
const markdown = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escaped(text),
    image({ href, text }) {
      return SAFE_LINK.test(href)
        ? `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer">${escaped(text || href)}</a>`
        : escaped(text);
    },
    link({ href, tokens }) {
      const words = this.parser.parseInline(tokens);
      return SAFE_LINK.test(href) ? `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer">${words}</a>` : words;
    },
    // A checkbox that nobody can tick is a sign, not a control.
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

/** The second line of defence, should the renderer let something through. */
const CLEAN = {
  FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "img", "svg", "math", "video", "audio"],
  FORBID_ATTR: ["style", "class", "id", "name"],
  ADD_ATTR: ["target"],
};

/** Turns one block into HTML that can do no harm. */
function rendered(token: Token): string {
  const html = DOMPurify.sanitize(markdown.parser([token]), CLEAN);
  // What scrolls must be reachable by keyboard.
  return token.type === "code" ? html.replace("<pre>", '<pre tabindex="0" role="region" aria-label="Code">') : html;
}

function isSpace(token: Token): token is Tokens.Space {
  return token.type === "space";
}

/** Blocks of one growing text. */
export class MarkdownStream {
  private done: Block[] = [];
  private length = 0;
  private text = "";

  /** Reads the text anew as far as needed. Blocks that did not change are the same objects. */
  update(text: string): readonly Block[] {
    if (!text.startsWith(this.text.slice(0, this.length))) {
      this.done = [];
      this.length = 0;
    }
    this.text = text;
    const tokens = markdown.lexer(text.slice(this.length));
    let last = tokens.length - 1;
    while (last >= 0 && isSpace(tokens[last] as Token)) last -= 1;
    // Everything before the last block is finished: what comes can only change the last one.
    for (const token of tokens.slice(0, Math.max(0, last))) {
      this.length += token.raw.length;
      if (!isSpace(token)) this.done.push({ raw: token.raw, html: rendered(token) });
    }
    const open = tokens[last];
    return open ? [...this.done, { raw: open.raw, html: rendered(open) }] : this.done;
  }
}
