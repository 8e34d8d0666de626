// The settings: a page beside the boards, with a list of its parts at the side. Loaded when somebody goes there.
import { ArrowLeft, type LucideIcon, UserRound, Users, UsersRound } from "lucide-react";
import { type ComponentType, useEffect, useRef } from "react";
import { useIsNarrow, useLogin } from "@/app/live";
import { navigate } from "@/app/router";
import { cx } from "@/ui/cx";
import { Nothing } from "@/ui/states";
import { GroupsPage } from "./GroupsPage";
import { PeoplePage } from "./PeoplePage";
import { ProfilePage } from "./ProfilePage";

interface Part {
  id: string;
  label: string;
  Icon: LucideIcon;
  Page: ComponentType;
}

const PARTS: readonly { title: string; parts: readonly Part[] }[] = [
  {
    title: "You",
    parts: [{ id: "profile", label: "Profile", Icon: UserRound, Page: ProfilePage }],
  },
  {
    title: "Instance",
    parts: [
      { id: "people", label: "People", Icon: Users, Page: PeoplePage },
      { id: "groups", label: "Groups", Icon: UsersRound, Page: GroupsPage },
    ],
  },
];

function Navigation({ shown, isPage }: { shown: string | undefined; isPage: boolean }) {
  return (
    <nav aria-label="Settings" className={cx("shrink-0 overflow-y-auto p-3", isPage ? "flex-1" : "w-56 border-r bg-surface")}>
      {PARTS.map((group) => (
        <div key={group.title} className="mb-4">
          <div className="px-2 pb-1 text-xs font-semibold text-muted">{group.title}</div>
          {group.parts.map(({ id, label, Icon }) => (
            <a
              key={id}
              href={`/settings/${id}`}
              aria-current={id === shown ? "page" : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                navigate(`/settings/${id}`);
              }}
              className={cx(
                "flex h-8 items-center gap-2.5 rounded-md px-2 max-[719px]:h-12 max-[719px]:text-base",
                id === shown ? "bg-fg/8 font-semibold" : "hover:bg-fg/5",
              )}
            >
              <Icon size={15} aria-hidden="true" className="text-muted" />
              {label}
            </a>
          ))}
        </div>
      ))}
    </nav>
  );
}

/** The settings; `page` is the part that the address names, empty for the first. */
export default function SettingsPage({ page }: { page: string }) {
  const { data: login } = useLogin();
  const isNarrow = useIsNarrow();
  const content = useRef<HTMLDivElement>(null);
  const all = PARTS.flatMap((group) => group.parts);
  const part = page === "" && !isNarrow ? all[0] : all.find(({ id }) => id === page);
  const label = part?.label;
  useEffect(() => {
    document.title = `${label ? `${label} · ` : ""}Settings · Grove`;
    content.current?.scrollTo(0, 0);
  }, [label]);
  if (!login) return <div className="skeleton m-6 h-24 flex-1" />;
  const isList = isNarrow && page === "";
  return (
    <main className="flex min-h-0 min-w-0 flex-1 bg-board">
      {(!isNarrow || isList) && <Navigation shown={part?.id} isPage={isList} />}
      {!isList && (
        <div ref={content} className="min-w-0 flex-1 overflow-y-auto">
          <div className="mx-auto max-w-190 p-8 max-[719px]:p-4">
            {isNarrow && (
              <button
                type="button"
                onClick={() => navigate("/settings")}
                className="-ml-1 mb-2 flex h-10 items-center gap-1 rounded-md pr-3 text-muted"
              >
                <ArrowLeft size={16} aria-hidden="true" />
                Settings
              </button>
            )}
            {part ? <part.Page key={part.id} /> : <Nothing title="There is no such page">Choose one from the list.</Nothing>}
          </div>
        </div>
      )}
    </main>
  );
}
