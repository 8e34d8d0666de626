// Markdown that is still being written: only its unfinished end is read again with each piece.
import DOMPurify from "dompurify";
import { type Token, type Tokens, marked } from "marked";

/** A finished or growing block of a text. */
export interface Block {
  raw: string;
  html: string;
}

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

const CLEAN = {
  FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "img", "svg", "math", "video", "audio"],
  FORBID_ATTR: ["style", "class", "id", "name"],
};

/** Turns one block into HTML that can do no harm. */
function rendered(token: Token): string {
  // A code block without a language of its own must be reachable by keyboard when it scrolls.
  const html = DOMPurify.sanitize(marked.parser([token]), CLEAN);
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
    const tokens = marked.lexer(text.slice(this.length), { gfm: true, breaks: false });
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
