/**
 * Why figures miss what is wanted, and by how much; shown in the table.
 *
 * @module
 */

/** By the figures' ids; empty when all is as it is wanted. */
export const REASONS: Readonly<Record<string, string>> = {};
