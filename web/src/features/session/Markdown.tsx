// Shows Markdown block by block.
import { memo, useState } from "react";
import { MarkdownStream } from "./markdown";

const BlockView = memo(function BlockView({ html }: { html: string }) {
  // biome-ignore lint/security/noDangerouslySetInnerHtml: sanitised in markdown.ts, the only source of this HTML
  return <div dangerouslySetInnerHTML={{ __html: html }} />;
});

/** Markdown, finished or growing. */
export function Markdown({ text }: { text: string }) {
  const [stream] = useState(() => new MarkdownStream());
  return (
    <div className="md">
      {stream.update(text).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only ever added at the end
        <BlockView key={index} html={block.html} />
      ))}
    </div>
  );
}
