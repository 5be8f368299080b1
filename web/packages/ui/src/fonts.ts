/**
 * The letters of both languages, before the first paint: those that come after it would move what is there by a pixel.
 * Names are in any language, so both sets are needed whichever is read. Latin with digits, Cyrillic with "№".
 */
const SAMPLE = "Ag1 Яж№";
const FONT = "14px 'Inter Variable'";
/** On a slow network the page comes in the system's letters first. */
const PATIENCE_MS = 1000;

/** Waits for the fonts, but not for long. Never fails: a page in other letters is a page too. */
export async function fontsReady(): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS));
  const there = document.fonts.load(FONT, SAMPLE).then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([there, late]);
}
