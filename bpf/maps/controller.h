/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The controller's own records, pinned with the other maps: settings of the load, names of the indexes,
 * Maglev fingerprints. The data path does not read them.
 */
#ifndef GLB_MAPS_CONTROLLER_H
#define GLB_MAPS_CONTROLLER_H

#include "abi/config.h"
#include "maps/declare.h"

GLB_ARRAY(glb_metadata, struct glb_metadata, 1);
GLB_ARRAY(glb_index_names, struct glb_index_name, GLB_INDEX_NAMES);
GLB_ARRAY(glb_maglev_fingerprints, __u64, GLB_MAX_TABLES);

#endif
