/*{
  "DESCRIPTION": "Rings run out from a place, as on water.",
  "EXAMPLE": "dreamed.rings(place=(0.5, 0.5), age=1.0)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "place", "TYPE": "point2D", "MIN": [0, 0], "MAX": [1, 1], "DEFAULT": [0.5, 0.5], "LABEL": "from the lower left"},
    {"NAME": "age", "TYPE": "float", "MIN": 0, "MAX": 10, "DEFAULT": 1, "LABEL": "seconds since the stone fell"}
  ]
}*/

void main() {
    vec2 p = isf_FragNormCoord;
    vec2 away = (p - place) * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    float r = length(away);
    float wave = sin(50.0 * (r - 0.35 * age)) * exp(-5.0 * abs(r - 0.35 * age)) * exp(-0.5 * age);
    gl_FragColor = IMG_NORM_PIXEL(inputImage, p + 0.06 * wave * away / max(r, 0.001)) * (1.0 + 0.5 * wave);
}
