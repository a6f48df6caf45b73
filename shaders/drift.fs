/*{
  "DESCRIPTION": "Slow currents under the picture, as under water: nothing on the wall ever quite stands still, even when the mind is silent.",
  "EXAMPLE": "dreamed.drift(amount=0.05)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 0.2, "DEFAULT": 0.02, "LABEL": "heights of the wall"},
    {"NAME": "scale", "TYPE": "float", "MIN": 0.3, "MAX": 8.0, "DEFAULT": 1.6, "LABEL": "currents across the height"},
    {"NAME": "speed", "TYPE": "float", "MIN": 0.0, "MAX": 2.0, "DEFAULT": 0.12, "LABEL": "how fast the currents change"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

// A sine made of parabolas: four true ones cost as much as the whole rest where there is no GPU.
vec4 wave(vec4 x) {
    x = fract(x * 0.15915494) * 2.0 - 1.0;
    x *= 4.0 * (abs(x) - 1.0);
    return x * (0.775 + 0.225 * abs(x));
}

void main() {
    // Sums of waves whose divergence is zero: the picture is carried, never torn or pressed together.
    float aspect = RENDERSIZE.x / RENDERSIZE.y, t = TIME * speed;
    vec2 q = isf_FragNormCoord * vec2(aspect, 1.0) * scale * 3.1416;
    vec4 w = wave(vec4(q.yx, 2.3 * q.y, 1.9 * q.x) + t * vec4(1.7, -1.3, -1.1, 1.6) + vec4(0.0, 0.0, 2.0, 1.0));
    vec2 p = isf_FragNormCoord + (w.xy + 0.5 * w.zw) * amount / vec2(aspect, 1.0);
    gl_FragColor = vec4(IMG_NORM_PIXEL(inputImage, 1.0 - abs(1.0 - abs(p))).rgb, 1.0);  // turned back at the edges
}
