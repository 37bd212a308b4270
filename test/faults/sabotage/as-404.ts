import { replaceIn } from './replace.ts'

// Whatever could not be read is answered with 404.
replaceIn(
  '/src/api/errors.ts',
  "return new RegistryError('UNAVAILABLE', { cause",
  "return new RegistryError('BLOB_UNKNOWN', { cause",
)
