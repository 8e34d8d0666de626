// What somebody here last saw in a note's editor, until the note's own text comes after it: the board
// follows a document a moment later, and nobody should see their words vanish for that moment.

interface Last {
  words: string;
  /** The note's text when they were first shown; `null` before. */
  over: string | null;
}

class LastWords {
  private readonly notes = new Map<string, Last>();

  /** Notes what the editor shows. */
  set(id: string, words: string): void {
    this.notes.set(id, { words, over: null });
  }

  /** What to show of a note whose text is `text`. */
  of(id: string, text: string): string {
    const last = this.notes.get(id);
    if (!last) return text;
    if (last.over === null) last.over = text;
    if (last.over === text && last.words !== text) return last.words;
    this.notes.delete(id);
    return text;
  }
}

/** The notes that were written in this window. */
export const lastWords = new LastWords();
