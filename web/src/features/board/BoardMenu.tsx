// Which board is on screen; switch, create, rename.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, ChevronDown, Lock, Pencil, Plus, UserPlus } from "lucide-react";
import { useState } from "react";
import { useBoards, useLogin } from "@/app/live";
import { navigate, pathOf } from "@/app/router";
import { share } from "@/app/ui-state";
import { useMay } from "@/features/rights/useMay";
import { api } from "@/net/api";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { ProblemNote } from "@/ui/states";
import type { Board } from "@/wire";

const NAME_MAX = 200;

function NameDialog({ board, onClose }: { board: Board | null; onClose: () => void }) {
  const cache = useQueryClient();
  const [name, setName] = useState(board?.name ?? "");
  const save = useMutation({
    mutationFn: () => (board ? api.boards.patch(board.id, { name: name.trim() }) : api.boards.create(name.trim())),
    onSuccess: async (saved) => {
      await cache.invalidateQueries({ queryKey: ["boards"] });
      if (!board) navigate(pathOf(saved.id));
      onClose();
    },
  });
  return (
    <Dialog isOpen onClose={onClose} title={board ? "Rename board" : "New board"} className="w-100">
      <form
        className="flex flex-col gap-3 px-5 pt-2 pb-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) save.mutate();
        }}
      >
        <input
          aria-label="Name of the board"
          value={name}
          maxLength={NAME_MAX}
          placeholder="Name"
          onChange={(event) => setName(event.target.value)}
          className="h-9 rounded-md border border-strong bg-surface px-3"
        />
        {save.isError && <ProblemNote error={save.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" disabled={!name.trim() || save.isPending}>
            {board ? "Rename" : "Create"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The menu in the top bar. */
export function BoardMenu({ id }: { id: string | null }) {
  const { data: boards } = useBoards();
  const [dialog, setDialog] = useState<{ board: Board | null } | null>(null);
  const current = boards?.find((board) => board.id === id) ?? null;
  const may = useMay(id);
  const { data: login } = useLogin();
  const canMake = login?.user.role !== "viewer";
  return (
    <>
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            className="flex h-8 min-w-0 items-center gap-1 rounded-md px-2 font-semibold hover:bg-fg/7 max-[719px]:h-10"
          >
            <span className="truncate">{current?.name ?? "Boards"}</span>
            <ChevronDown size={14} className="shrink-0 text-muted" />
          </button>
        }
      >
        {(boards ?? []).map((board) => (
          <MenuItem key={board.id} icon={board.id === id ? <Check size={14} /> : <span />} onSelect={() => navigate(pathOf(board.id))}>
            <span className="flex items-center gap-2">
              <span className="min-w-0 flex-1">{board.name}</span>
              {board.visibility === "private" && <Lock size={12} aria-label="private" className="text-muted" />}
            </span>
          </MenuItem>
        ))}
        <MenuLine />
        {current && may.can("admin") && (
          <MenuItem icon={<Pencil size={14} />} onSelect={() => setDialog({ board: current })}>
            Rename this board
          </MenuItem>
        )}
        {current && (
          <MenuItem icon={<UserPlus size={14} />} onSelect={() => share(true)}>
            Share this board
          </MenuItem>
        )}
        {canMake && (
          <MenuItem icon={<Plus size={14} />} onSelect={() => setDialog({ board: null })}>
            New board
          </MenuItem>
        )}
      </Menu>
      {dialog && <NameDialog board={dialog.board} onClose={() => setDialog(null)} />}
    </>
  );
}
