// Images on their way to the board: from files, the clipboard or another program.
import type { Point } from "@/board/geometry";
import { api, imageUrl } from "@/net/api";
import { toastProblem } from "@/ui/toasts";
import type { BoardActions } from "./actions";
import type { Copied } from "./clipboard";

/** What the server takes. */
export const IMAGE_TYPES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** Images taken at once. */
const IMAGES_MAX = 10;
const SPREAD = 40;

const boardOf = (actions: BoardActions): string => actions.engine.channel.ch.slice("board:".length);

/** Sends images and puts them on the board around a point, one after the other. */
export async function sendImages(actions: BoardActions, files: readonly File[], at: Point): Promise<void> {
  const images = files.filter((file) => file.type.startsWith("image/")).slice(0, IMAGES_MAX);
  for (const [index, file] of images.entries()) {
    try {
      const image = await api.boards.addImage(boardOf(actions), file);
      actions.addImage(image, [at[0] + index * SPREAD, at[1] + index * SPREAD], file.name);
    } catch (error) {
      toastProblem(error);
    }
  }
}

/** Brings the images among copied objects of another board over to this one; those that cannot be had are left out. */
export async function adopted(actions: BoardActions, copied: Copied): Promise<Copied> {
  const board = boardOf(actions);
  if (copied.board === board) return copied;
  const objects: Copied["objects"] = [];
  for (const object of copied.objects) {
    const { image } = object.v;
    if (object.kind !== "image" || image === undefined) {
      objects.push(object);
      continue;
    }
    try {
      const answer = await fetch(imageUrl(copied.board, image));
      if (!answer.ok) continue;
      const taken = await api.boards.addImage(board, await answer.blob());
      objects.push({ ...object, v: { ...object.v, image: taken.id } });
    } catch (error) {
      toastProblem(error);
    }
  }
  return { ...copied, board, objects };
}
