// Grove's mark.

/** Three crowns on one stem. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true" className="shrink-0 text-brand">
      <path d="M12 22v-9M12 18c0-3.6-5-2.6-5-6.4M12 16c0-3.4 5-2.4 5-6.4" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      <circle cx="12" cy="7" r="3.6" fill="currentColor" />
      <circle cx="6.4" cy="8.8" r="2.6" fill="currentColor" opacity="0.6" />
      <circle cx="17.6" cy="6.8" r="2.6" fill="currentColor" opacity="0.6" />
    </svg>
  );
}
