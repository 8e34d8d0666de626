// The last words of a session on its card. Text streams only to cards that are near enough to read and
// whose agent works, and only to a few at once; all others show the line that the board has anyway.
import { useEffect, useState, useSyncExternalStore } from "react";
import { client, useChannel } from "@/app/live";
import type { Engine } from "@/board/engine";
import type { Channel } from "@/net/client";
import { Slots } from "@/net/slots";

/** Cards that stream at once. */
const LIVE_MAX = 6;
/** From this zoom on the words of a card can be read. */
const LIVE_ZOOM = 0.8;
/** A card changes at most this often. */
const EVERY_MS = 200;
const CHARS_MAX = 160;

const slots = new Slots(LIVE_MAX);

/** The end of a text: its last sentence, or as much as fits. */
export function lastWords(text: string): string {
  const tail = text
    .slice(-2 * CHARS_MAX)
    .replace(/[\s`*_#>]+/g, " ")
    .trimEnd();
  const start = Math.max(...[". ", "! ", "? ", ": "].map((end) => tail.lastIndexOf(end, tail.length - 12)));
  const words = (start >= 0 ? tail.slice(start + 2) : tail).trim();
  return words.length > CHARS_MAX ? `…${words.slice(-CHARS_MAX)}` : words;
}

/** The last words of the message that is being written now. */
function wordsOf(channel: Channel): string {
  let newest = "";
  for (const [id, { kind, v }] of channel.store.entries()) {
    if (kind !== "message" || v.is_streaming !== true) continue;
    newest = channel.streams.get(id) ?? (typeof v.text === "string" ? v.text : newest);
  }
  return lastWords(newest);
}

function Streamed({ id, fallback }: { id: string; fallback: string }) {
  const channel = useChannel(`session:${id}`);
  const [words, setWords] = useState("");
  useEffect(() => {
    if (!channel) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setWords(wordsOf(channel));
      }, EVERY_MS);
    };
    const stops = [channel.store.subscribeAll(soon), channel.streams.subscribeAll(soon)];
    soon();
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [channel]);
  return <>{words || fallback}</>;
}

/** The line of a card; `isWorking` tells whether there can be something to stream. */
export function LiveLine({ engine, id, isWorking, line }: { engine: Engine; id: string; isWorking: boolean; line: string }) {
  const isNear = useSyncExternalStore(engine.subscribe, () => !engine.state.isFar && engine.state.zoom >= LIVE_ZOOM);
  const isWanted = isNear && isWorking;
  const [isLive, setLive] = useState(false);
  useEffect(() => {
    if (!isWanted) return;
    const leave = slots.want(() => setLive(true));
    return () => {
      setLive(false);
      leave();
    };
  }, [isWanted]);
  return isLive && client.connection.state === "live" ? <Streamed id={id} fallback={line} /> : line;
}
