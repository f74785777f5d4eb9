/** Line icons on a 24 × 24 grid, drawn in the colour of the text around them. */
const paths = {
  home: "M4 11.5 12 4l8 7.5M6 10v9.5h4.5v-5h3v5H18V10",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.3 15.3 20.5 20.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.6-4 3.5-6 7.5-6s6.9 2 7.5 6",
  write: "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19 4 20ZM14 6.5l3.5 3.5",
  heart: "M12 20.3 4.7 13a4.9 4.9 0 0 1 0-7 4.9 4.9 0 0 1 7 0l.3.4.3-.4a4.9 4.9 0 0 1 7 0 4.9 4.9 0 0 1 0 7L12 20.300Z",
  link: "M9.5 14.5 14.5 9.500M11 6.500l1.5-1.500a4.2 4.2 0 0 1 6 6L17 12.500M13 17.500l-1.5 1.500a4.2 4.2 0 0 1-6-6L7 11.5",
  bin: "M5 7h14M9.5 7V4.500h5V7M7 7l.8 12.500h8.400L17 7M10.3 10.500v5.500M13.7 10.500v5.5",
  leave: "M14 5H6v14h8M10.5 12H20M16.5 8.5 20 12l-3.5 3.5",
  keyboard: "M3.5 7h17v10.500h-17ZM7 10.500h.01M10.3 10.500h.01M13.7 10.500h.01M17 10.500h.01M8 14h8",
  theme: "M12 4a8 8 0 1 0 0 16V4ZM12 4a8 8 0 0 1 0 16",
  close: "M6 6l12 12M18 6 6 18",
  back: "M19 12H5M11 6l-6 6 6 6",
  next: "M5 12h14M13 6l6 6-6 6",
  picture: "M4 5.500h16v13H4ZM4 16l4.500-4.500 4 4 2.500-2.500 5 5M15.500 9.500h.01",
  again: "M19 12a7 7 0 1 1-2.200-5.100M17.500 3.500v4h-4",
} as const;

export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

/** The bird. */
export function Bird() {
  return (
    <svg class="bird" viewBox="0 0 64 64" width="40" height="40" aria-hidden="true" focusable="false">
      <path
        class="bird-body"
        d="M9 39C9 24 19 13 32 13c9 0 16 5 19 12l9 4-8 5C51 47 42 56 30 56c-6 0-11-2-15-6L4 52l6-7c-.7-2-1-4-1-6Z"
      />
      <path class="bird-wing" d="M21 36c8 1 16-1 20-7 1 11-6 18-14 18-5 0-7.5-5-6-11Z" />
      <circle class="bird-eye" cx="43" cy="24" r="3" />
    </svg>
  );
}
