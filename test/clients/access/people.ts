/** Who logs in. `reader` is somebody of the other token service, who may only pull. */
export const PEOPLE = {
  alice: 'correct horse 1',
  reader: 'battery staple 2',
} as const
