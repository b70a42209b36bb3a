// webpack, with nothing configured but where from and where to.

import webpack from 'webpack';

import { pack } from '../pack.mjs';

export default (place) => pack(webpack, place);
