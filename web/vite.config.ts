// Build of the browser client: bundling, the size budget and the pre-compressed files that groved
// embeds. No server code is here; `npm run dev` forwards API calls to a running daemon.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const FIRST_LOAD_KIB = 180;
const LAZY_CHUNK_KIB = 140;
const COMPRESS_FROM_BYTES = 1024;

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const gzipKib = (bytes: Buffer) => gzipSync(bytes).length / 1024;

/** Fails the build over the size budget and writes a `.br` file beside each larger text file. */
function finish(): Plugin {
  return {
    name: "grove-finish",
    apply: "build",
    writeBundle(options, bundle) {
      const directory = options.dir ?? "dist";
      const first = new Set<string>();
      const walk = (name: string) => {
        const chunk = bundle[name];
        if (first.has(name) || chunk?.type !== "chunk") return;
        first.add(name);
        chunk.imports.forEach(walk);
      };
      for (const output of Object.values(bundle)) {
        if (output.type === "chunk" && output.isEntry) walk(output.fileName);
      }
      let firstLoad = 0;
      let total = 0;
      const tooLarge: string[] = [];
      for (const path of filesBelow(directory)) {
        if (!/\.(js|css|html|svg|json|webmanifest)$/.test(path)) continue;
        const bytes = readFileSync(path);
        const size = gzipKib(bytes);
        const name = path.slice(directory.length + 1);
        total += size;
        if (first.has(name) || /\.(css|html)$/.test(name)) firstLoad += size;
        else if (name.endsWith(".js") && size > LAZY_CHUNK_KIB) tooLarge.push(`${name} ${size.toFixed(1)} KiB`);
        if (bytes.length >= COMPRESS_FROM_BYTES) {
          const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
          writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
        }
      }
      this.info(`first load ${firstLoad.toFixed(1)} KiB gz of ${FIRST_LOAD_KIB}, all ${total.toFixed(1)} KiB gz`);
      if (firstLoad > FIRST_LOAD_KIB) this.error(`first load is ${firstLoad.toFixed(1)} KiB, over ${FIRST_LOAD_KIB}`);
      if (tooLarge.length > 0) this.error(`lazy chunks over ${LAZY_CHUNK_KIB} KiB: ${tooLarge.join(", ")}`);
    },
  };
}

const daemon = process.env.GROVE_URL ?? "http://127.0.0.1:4768";
const version = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")).version as string;

export default defineConfig({
  plugins: [react(), tailwindcss(), finish()],
  define: { __APP_VERSION__: JSON.stringify(version) },
  resolve: { alias: { "@": join(import.meta.dirname, "src") } },
  server: { proxy: { "/api": { target: daemon }, "/ws": { target: daemon, ws: true } } },
  build: { target: "es2023", sourcemap: false, chunkSizeWarningLimit: 700, assetsInlineLimit: 0 },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
