/** What the repository is called that must not change; see `isHarmless` (render.ts). */
export const KEPT = 'kept/images'

/** And the one that nobody of the generator's users may see, where there are users. */
export const SECRET = 'secret/images'
