import type { CollectionDefinition, Document } from './store.js';

/** A collection of the catalogue, its indexes checked against the type of its documents. */
export function collection<D extends Document>(definition: CollectionDefinition<D>): CollectionDefinition<D> {
  return definition;
}
