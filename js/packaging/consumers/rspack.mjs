// Rspack, configured as webpack is.

import { rspack } from '@rspack/core';

import { pack } from '../pack.mjs';

export default (place) => pack(rspack, place);
