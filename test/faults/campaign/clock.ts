export const campaign = undefined as never
