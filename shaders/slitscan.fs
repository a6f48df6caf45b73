/*{
  "DESCRIPTION": "Time laid across space: each column of the wall shows another moment of the last seconds, the middle the newest. Sixteen small pictures are kept, nothing more.",
  "EXAMPLE": "dreamed.slitscan(depth=14.0)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Time"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "depth", "TYPE": "float", "MIN": 0.0, "MAX": 15.0, "DEFAULT": 12.0, "LABEL": "moments from the middle to the side"},
    {"NAME": "every", "TYPE": "float", "MIN": 1.0, "MAX": 30.0, "DEFAULT": 4.0, "LABEL": "frames from one moment to the next"},
    {"NAME": "byLight", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0, "LABEL": "1: dark places are old, instead of far ones"}
  ],
  "PASSES": [
    {"TARGET": "moments", "PERSISTENT": true, "WIDTH": "max($WIDTH, 4)", "HEIGHT": "max($HEIGHT, 4)"},
    {"FLOAT": true}
  ]
}*/

// The moments lie in a sheet of four by four; the newest takes the place of the oldest.
vec3 moment(float ago, vec2 p) {
    float newest = floor(float(FRAMEINDEX) / every), i = mod(newest - ago + 160.0, 16.0);
    vec2 margin = 2.0 / IMG_SIZE(moments);
    return IMG_NORM_PIXEL(moments, (vec2(mod(i, 4.0), floor(i / 4.0)) + clamp(p, margin * 4.0, 1.0 - margin * 4.0)) / 4.0).rgb;
}

void main() {
    vec2 p = isf_FragNormCoord;
    if (PASSINDEX == 0) {
        vec2 cell = floor(p * 4.0);
        float here = cell.x + 4.0 * cell.y, newest = mod(floor(float(FRAMEINDEX) / every), 16.0);
        bool mine = FRAMEINDEX == 0 || here == newest;
        gl_FragColor = mine ? IMG_NORM_PIXEL(inputImage, fract(p * 4.0)) : IMG_THIS_PIXEL(moments);
    } else {
        vec3 now = IMG_THIS_PIXEL(inputImage).rgb;
        float far = mix(abs(p.x - 0.5) * 2.0, 1.0 - dot(now, vec3(0.333)), byLight);
        float ago = min(far * depth, 14.5), between = fract(float(FRAMEINDEX) / every);
        float back = max(0.0, ago - between), f = fract(back);
        vec3 then = mix(moment(floor(back), p), moment(min(15.0, floor(back) + 1.0), p), f);
        gl_FragColor = vec4(mix(now, then, smoothstep(0.0, 0.8, ago)), 1.0);
    }
}
