    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = &seen[0]                               ; v0 moved
    4  r5 = &built[0]                              ; v0 moved
    6  r4 = *(u64 *)(r4 +0)                        ; v0 moved
    7  r5 = *(u64 *)(r5 +0)                        ; v0 moved
    8  r0 = r4                                     ; v0 moved
    9  r0 ^= r5                                    ; v0 moved
   10  r0 &= 0x0                                   ; v0 moved
   11  if r4 != r5 -> punt moved                   ; v10 guard
   12  r4 = r2                                     ; v11 bound
   13  r4 += 0x22                                  ; v11 bound
   14  if r4 > r3 -> punt short                    ; v11 bound
   15  r3 = *(u16 *)(r2 +30)                       ; v5 lookup
   16  r3 = be16 r3                                ; v5 lookup
   17  w3 &= 0xffff                                ; v5 lookup
   18  w3 <<= 0x1                                  ; v5 lookup
   19  r4 = &route4[0]                             ; v5 lookup
   21  r4 += r3                                    ; v5 lookup
   22  r4 += r0                                    ; v5 lookup
   23  r3 = *(u16 *)(r4 +0)                        ; v5 lookup
   24  if w3 < 0x8000 -> .7                        ; v5 lookup
   25  w3 &= 0x7                                   ; v5 lookup
   26  w3 <<= 0x9                                  ; v5 lookup
   27  r4 = *(u8 *)(r2 +32)                        ; v5 lookup
   28  w4 <<= 0x1                                  ; v5 lookup
   29  w4 += w3                                    ; v5 lookup
   30  r3 = &route4[131072]                        ; v5 lookup
   32  r3 += r4                                    ; v5 lookup
   33  r3 += r0                                    ; v5 lookup
   34  r3 = *(u16 *)(r3 +0)                        ; v5 lookup
   35  if w3 < 0x8000 -> .7                        ; v5 lookup
.6:
   36  w3 &= 0x7                                   ; v5 lookup
   37  w3 <<= 0x9                                  ; v5 lookup
   38  r2 = *(u8 *)(r2 +33)                        ; v5 lookup
   39  w2 <<= 0x1                                  ; v5 lookup
   40  w2 += w3                                    ; v5 lookup
   41  r3 = &route4[131072]                        ; v5 lookup
   43  r3 += r2                                    ; v5 lookup
   44  r3 += r0                                    ; v5 lookup
   45  r3 = *(u16 *)(r3 +0)                        ; v5 lookup
.7:
   46  w3 &= 0xf                                   ; v6 lookup
   47  w3 <<= 0x4                                  ; v6 lookup
   48  r2 = &nexthop[0]                            ; v6 lookup
   50  r2 += r3                                    ; v6 lookup
   51  r2 += r0                                    ; v6 lookup
   52  r3 = *(u32 *)(r2 +8)                        ; v7 field
   53  r2 = r3                                     ; v8 lookup
   54  r2 += r0                                    ; v8 lookup
   55  *(u32 *)(rfp -8) = r2                       ; v8 lookup
   56  r1 = map device                             ; v8 lookup
   58  r2 = rfp                                    ; v8 lookup
   59  r2 += -0x8                                  ; v8 lookup
   60  *(u64 *)(rfp -16) = r3                      ; live through the call
   61  call FnMapLookupElem                        ; v8 lookup
   62  r3 = *(u64 *)(rfp -16)                      ; live through the call
   63  if r0 == 0x0 -> punt live-device            ; v13 guard
   64  r1 = r3                                     ; redirect
   65  r2 = 0x0                                    
   66  call FnRedirect                             
   67  exit                                        
punt moved:
   68  call FnGetSmpProcessorId                    
   69  r2 = 0x8                                    
   70  goto -> count and pass                      
punt short:
   71  call FnGetSmpProcessorId                    
   72  r2 = 0x10                                   
   73  goto -> count and pass                      
punt live-device:
   74  call FnGetSmpProcessorId                    
   75  r2 = 0x140                                  
count and pass:
   76  w0 <<= 0xb                                  
   77  w0 &= 0x800                                 
   78  r3 = &stats[0]                              
   80  r3 += r0                                    
   81  r3 += r2                                    
   82  r2 = *(u64 *)(r3 +0)                        
   83  r2 += 0x1                                   
   84  *(u64 *)(r3 +0) = r2                        
   85  r0 = 0x2                                    
   86  exit                                        
